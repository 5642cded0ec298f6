//! temporary
use crate::error::Result;
use std::os::fd::BorrowedFd;
pub struct ResolvedUser {
    pub uid: u32,
    pub gid: u32,
    pub groups: Vec<u32>,
    pub home: Option<String>,
    pub name: Option<String>,
}
pub fn resolve(user: &str, _groups: &[String], _root: BorrowedFd<'_>) -> Result<ResolvedUser> {
    let mut parts = user.split(':');
    let uid = parts.next().and_then(|u| u.parse().ok()).unwrap_or(0);
    let gid = parts.next().and_then(|u| u.parse().ok()).unwrap_or(0);
    Ok(ResolvedUser { uid, gid, groups: vec![], home: Some("/root".into()), name: None })
}
