//! The little that the program needs of the kernel: entry point, five system calls, and the memory functions that
//! the compiler takes for granted. No libc: that is what keeps the embedded image at a few kilobytes.

use core::arch::{asm, global_asm};
use core::ffi::CStr;

#[cfg(target_arch = "x86_64")]
global_asm!(".globl _start", "_start:", "xor ebp, ebp", "and rsp, -16", "call {main}", main = sym start);
#[cfg(target_arch = "aarch64")]
global_asm!(".globl _start", "_start:", "mov x29, #0", "mov x30, #0", "bl {main}", main = sym start);
#[cfg(target_arch = "riscv64")]
global_asm!(".globl _start", "_start:", "call {main}", main = sym start);

extern "C" fn start() -> ! {
    let code = crate::main();
    call(number::EXIT_GROUP, [code as usize, 0, 0, 0]);
    loop {}
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    call(number::EXIT_GROUP, [101, 0, 0, 0]);
    loop {}
}

/// System call numbers.
#[cfg(target_arch = "x86_64")]
mod number {
    pub const READ: usize = 0;
    pub const WRITE: usize = 1;
    pub const CLOSE: usize = 3;
    pub const GETPID: usize = 39;
    pub const GETDENTS64: usize = 217;
    pub const EXIT_GROUP: usize = 231;
    pub const OPENAT: usize = 257;
}

/// System call numbers (the generic table).
#[cfg(any(target_arch = "aarch64", target_arch = "riscv64"))]
mod number {
    pub const OPENAT: usize = 56;
    pub const CLOSE: usize = 57;
    pub const GETDENTS64: usize = 61;
    pub const READ: usize = 63;
    pub const WRITE: usize = 64;
    pub const EXIT_GROUP: usize = 94;
    pub const GETPID: usize = 172;
}

fn call(number: usize, arguments: [usize; 4]) -> isize {
    let [a, b, c, d] = arguments;
    let result: isize;
    // SAFETY: the callers below pass pointers to live buffers together with their lengths, and nothing else.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        asm!("syscall", inlateout("rax") number as isize => result, in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d,
            lateout("rcx") _, lateout("r11") _, options(nostack));
        #[cfg(target_arch = "aarch64")]
        asm!("svc 0", in("x8") number, inlateout("x0") a as isize => result, in("x1") b, in("x2") c, in("x3") d,
            options(nostack));
        #[cfg(target_arch = "riscv64")]
        asm!("ecall", in("a7") number, inlateout("a0") a as isize => result, in("a1") b, in("a2") c, in("a3") d,
            options(nostack));
    }
    result
}

/// This process, as its own PID namespace numbers it.
pub fn pid() -> usize {
    call(number::GETPID, [0; 4]) as usize
}

/// Writes everything to standard output; says whether that worked.
pub fn print(mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        let written = call(number::WRITE, [1, bytes.as_ptr() as usize, bytes.len(), 0]);
        match usize::try_from(written).ok().and_then(|n| bytes.get(n..)) {
            Some(rest) if written > 0 => bytes = rest,
            _ => return false,
        }
    }
    true
}

/// Reads as much of a file as the buffer holds; nothing where it cannot be read.
pub fn read<'a>(path: &CStr, buffer: &'a mut [u8]) -> &'a [u8] {
    fill(path, number::READ, buffer)
}

/// How many entries of a directory have a name that is a number: in /proc, the processes.
pub fn count_numbered(path: &CStr) -> usize {
    let mut buffer = [0; 32 * 1024];
    let mut entries = fill(path, number::GETDENTS64, &mut buffer);
    let mut count = 0;
    // struct linux_dirent64: u64 inode, u64 offset, u16 length of the record, u8 type, name.
    while let Some(&[low, high]) = entries.get(16..18) {
        let length = usize::from(u16::from_ne_bytes([low, high]));
        let (Some(name), true) = (entries.get(19..length), length > 19) else { break };
        count += usize::from(name.first().is_some_and(u8::is_ascii_digit));
        entries = entries.get(length..).unwrap_or_default();
    }
    count
}

fn fill<'a>(path: &CStr, how: usize, buffer: &'a mut [u8]) -> &'a [u8] {
    const AT_FDCWD: isize = -100;
    let fd = call(number::OPENAT, [AT_FDCWD as usize, path.as_ptr() as usize, 0, 0]);
    let Ok(fd) = usize::try_from(fd) else { return &[] };
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..) {
        match usize::try_from(call(how, [fd, rest.as_mut_ptr() as usize, rest.len(), 0])) {
            Ok(n) if n > 0 && n <= rest.len() => filled += n,
            _ => break,
        }
    }
    call(number::CLOSE, [fd, 0, 0, 0]);
    buffer.get(..filled).unwrap_or_default()
}

// The compiler emits calls of these four. `#![no_builtins]` in main.rs keeps it from turning their own loops into
// calls of themselves.

#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, n: usize) -> *mut u8 {
    for i in 0..n {
        // SAFETY: the caller promises `n` readable bytes at `from` and `n` writable ones at `to`.
        unsafe { *to.add(i) = *from.add(i) };
    }
    to
}

#[unsafe(no_mangle)]
unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, n: usize) -> *mut u8 {
    for i in 0..n {
        let i = if (from as usize) < to as usize { n - 1 - i } else { i };
        // SAFETY: as memcpy; the order keeps bytes that overlap from being overwritten before they are read.
        unsafe { *to.add(i) = *from.add(i) };
    }
    to
}

#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut u8, byte: i32, n: usize) -> *mut u8 {
    for i in 0..n {
        // SAFETY: the caller promises `n` writable bytes at `to`.
        unsafe { *to.add(i) = byte as u8 };
    }
    to
}

#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(a: *const u8, b: *const u8, n: usize) -> i32 {
    for i in 0..n {
        // SAFETY: the caller promises `n` readable bytes at both.
        let (a, b) = unsafe { (*a.add(i), *b.add(i)) };
        if a != b {
            return i32::from(a) - i32::from(b);
        }
    }
    0
}

#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(a: *const u8, b: *const u8, n: usize) -> i32 {
    // SAFETY: the same contract.
    unsafe { memcmp(a, b, n) }
}
