# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_coracle_global_optspecs
    string join \n cgroup-manager= config= conmon= c/connection= events-backend= hooks-dir= identity= imagestore= log-level= module= network-cmd-path= network-config-dir= out= r/remote root= runroot= runtime= runtime-flag= ssh= storage-driver= storage-opt= syslog tmpdir= transient-store url= volumepath= h/help v/version
end

function __fish_coracle_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_coracle_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_coracle_using_subcommand
    set -l cmd (__fish_coracle_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c coracle -n "__fish_coracle_needs_command" -l cgroup-manager -d 'Cgroup manager to use ("cgroupfs")' -r
complete -c coracle -n "__fish_coracle_needs_command" -l config -d 'Location of the authentication configuration' -r
complete -c coracle -n "__fish_coracle_needs_command" -l conmon -d 'Path of the conmon binary' -r
complete -c coracle -n "__fish_coracle_needs_command" -s c -l connection -d 'Connection to use for remote operation' -r
complete -c coracle -n "__fish_coracle_needs_command" -l events-backend -d 'Events backend to use ("none")' -r
complete -c coracle -n "__fish_coracle_needs_command" -l hooks-dir -d 'Set the OCI hooks directory path' -r
complete -c coracle -n "__fish_coracle_needs_command" -l identity -d 'Path to SSH identity file' -r
complete -c coracle -n "__fish_coracle_needs_command" -l imagestore -d 'Path to the image store, different from the root' -r
complete -c coracle -n "__fish_coracle_needs_command" -l log-level -d 'Log messages at and above this level (debug, info, warn, error, fatal, panic)' -r
complete -c coracle -n "__fish_coracle_needs_command" -l module -d 'Load this containers.conf(5) module' -r
complete -c coracle -n "__fish_coracle_needs_command" -l network-cmd-path -d 'Path to the slirp4netns or pasta binary' -r
complete -c coracle -n "__fish_coracle_needs_command" -l network-config-dir -d 'Path of the network configuration directory' -r
complete -c coracle -n "__fish_coracle_needs_command" -l out -d 'Send output (stdout) to a file' -r
complete -c coracle -n "__fish_coracle_needs_command" -l root -d 'Directory where images and containers are kept' -r
complete -c coracle -n "__fish_coracle_needs_command" -l runroot -d 'Directory where all state of running containers is kept' -r
complete -c coracle -n "__fish_coracle_needs_command" -l runtime -d 'Path to the OCI-compatible runtime' -r
complete -c coracle -n "__fish_coracle_needs_command" -l runtime-flag -d 'Add global flags for the container runtime' -r
complete -c coracle -n "__fish_coracle_needs_command" -l ssh -d 'Define the SSH mode' -r
complete -c coracle -n "__fish_coracle_needs_command" -l storage-driver -d 'How root file systems are put together (overlay, fuse-overlayfs, vfs)' -r
complete -c coracle -n "__fish_coracle_needs_command" -l storage-opt -d 'Option of the storage driver' -r
complete -c coracle -n "__fish_coracle_needs_command" -l tmpdir -d 'Path to the temporary directory for state' -r
complete -c coracle -n "__fish_coracle_needs_command" -l url -d 'URL to access the engine' -r
complete -c coracle -n "__fish_coracle_needs_command" -l volumepath -d 'Path to the volume directory' -r
complete -c coracle -n "__fish_coracle_needs_command" -s r -l remote -d 'Access remote engine'
complete -c coracle -n "__fish_coracle_needs_command" -l syslog -d 'Output logging information to syslog as well as the console'
complete -c coracle -n "__fish_coracle_needs_command" -l transient-store -d 'Enable transient container storage'
complete -c coracle -n "__fish_coracle_needs_command" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_needs_command" -s v -l version -d 'Print the version'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "attach" -d 'Attach to a running container'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "commit" -d 'Create an image from what a container has become'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "cp" -d 'Copy files between a container and the host, or between containers'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "create" -d 'Create but do not start a container'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "exec" -d 'Run a process in a running container'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "export" -d 'Export a container\'s file system as a tar archive'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "init" -d 'Initialize one or more containers without starting them'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "kill" -d 'Send a signal to one or more running containers'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "logs" -d 'Show the logs of one or more containers'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "mount" -d 'Mount the root file systems of containers, or list those that are mounted'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "pause" -d 'Pause all the processes in one or more containers'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "port" -d 'List the published ports of a container'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "ps" -d 'List containers'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "rename" -d 'Rename a container'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "restart" -d 'Restart one or more containers'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "rm" -d 'Remove one or more containers'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "run" -d 'Run a command in a new container'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "start" -d 'Start one or more containers'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "stop" -d 'Stop one or more containers'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "top" -d 'Show the running processes of a container'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "unmount" -d 'Unmount the root file systems of containers'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "unpause" -d 'Unpause the processes in one or more containers'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "wait" -d 'Block until one or more containers stop, then print their exit codes'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "history" -d 'Show how an image came to be'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "images" -d 'List images in local storage'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "import" -d 'Import a tar archive as the root file system of an image'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "load" -d 'Load images from an archive'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "pull" -d 'Pull an image from a registry'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "push" -d 'Push an image to a registry, a directory or an archive'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "rmi" -d 'Remove one or more images from local storage'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "save" -d 'Save images to an archive or a directory'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "search" -d 'Search registries for images'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "tag" -d 'Add another name to a local image'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "untag" -d 'Remove a name from a local image'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "diff" -d 'Show what a container or image changes about what it was made from'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "info" -d 'Show information about the engine and the machine'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "inspect" -d 'Show all that is known of an object'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "login" -d 'Log in to a registry'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "logout" -d 'Log out of a registry'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "unshare" -d 'Run a command in the user namespace of the containers'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "version" -d 'Show the version of coracle'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "container" -d 'Manage containers'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "image" -d 'Manage images'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "manifest" -d 'Manage manifest lists, images for several platforms'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "network" -d 'Manage networks'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "secret" -d 'Manage secrets, values that are in no image'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "volume" -d 'Manage volumes'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "system" -d 'Manage coracle'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand attach" -l detach-keys -d 'Key sequence for detaching from the container [default: ctrl-p,ctrl-q]' -r
complete -c coracle -n "__fish_coracle_using_subcommand attach" -s l -l latest -d 'Act on the latest container'
complete -c coracle -n "__fish_coracle_using_subcommand attach" -l no-stdin -d 'Do not attach stdin'
complete -c coracle -n "__fish_coracle_using_subcommand attach" -l sig-proxy -d 'Pass received signals to the process'
complete -c coracle -n "__fish_coracle_using_subcommand attach" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand commit" -s a -l author -d 'Author of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand commit" -s c -l change -d 'Set the configuration, as a line of a Containerfile: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME, WORKDIR' -r
complete -c coracle -n "__fish_coracle_using_subcommand commit" -l config -d 'Merge the configuration in this file (JSON) into that of the container' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand commit" -s f -l format -d 'Format of manifest and configuration (oci, docker)' -r
complete -c coracle -n "__fish_coracle_using_subcommand commit" -l iidfile -d 'Write the image\'s ID to this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand commit" -s m -l message -d 'Comment of the image (with --format docker)' -r
complete -c coracle -n "__fish_coracle_using_subcommand commit" -l include-volumes -d 'Declare the container\'s volumes as volumes of the image'
complete -c coracle -n "__fish_coracle_using_subcommand commit" -s p -l pause -d 'Pause the container while the image is made'
complete -c coracle -n "__fish_coracle_using_subcommand commit" -s q -l quiet -d 'Do not show progress'
complete -c coracle -n "__fish_coracle_using_subcommand commit" -s s -l squash -d 'Make one layer of the whole file system'
complete -c coracle -n "__fish_coracle_using_subcommand commit" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand cp" -s a -l archive -d 'Give what is copied into a container to its user; without, it keeps its owners'
complete -c coracle -n "__fish_coracle_using_subcommand cp" -l overwrite -d 'Allow directories to be overwritten with non-directories and vice versa'
complete -c coracle -n "__fish_coracle_using_subcommand cp" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand create" -s a -l attach -d 'Attach to stdin, stdout or stderr' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l entrypoint -d 'Replace the entrypoint of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -s e -l env -d 'Set an environment variable (NAME=VALUE, NAME to pass the host\'s, or PREFIX*)' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l env-file -d 'Read environment variables from a file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand create" -l env-merge -d 'Set a variable from those of the image (PATH=${PATH}:/opt/bin)' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l group-add -d 'Add a group to the groups of the user' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l group-entry -d 'Entry of the user\'s group in the container\'s /etc/group (with $GROUPNAME, $GID, $USERLIST)' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l hostuser -d 'Add a user of the host to the container\'s /etc/passwd' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l init-path -d 'Path of another init' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l passwd-entry -d 'Entry of the user in the container\'s /etc/passwd (with $USERNAME, $UID, $GID, $NAME, $HOME)' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l personality -d 'Set the execution domain (LINUX, LINUX32)' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l stop-signal -d 'Signal that stops the container [default: the image\'s, or SIGTERM]' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l stop-timeout -d 'Seconds to wait for the container to stop before it is killed [default: 10]' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l timeout -d 'Kill the container after this many seconds (0: never)' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l tz -d 'Set the time zone (Area/City, or local for the host\'s)' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l umask -d 'Set the umask [default: 0022]' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l unsetenv -d 'Unset an environment variable of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -s u -l user -d 'User and group (USER[:GROUP], names or numbers)' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -s w -l workdir -d 'Working directory in the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l chrootdirs -d 'Put /etc/hosts and the like into these directories as well' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l device -d 'Give access to a device of the host (HOST[:CONTAINER][:rwm]), or to one by its CDI name (vendor.com/class=name)' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l gpus -d 'Give access to GPUs (all, or their numbers)' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l image-volume -d 'What becomes of the volumes of the image (anonymous, tmpfs, ignore) [default: anonymous]' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l mount -d 'Mount a file system (type=bind,src=/a,dst=/b)' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l secret -d 'Give access to a secret (NAME[,type=mount|env][,target=...][,uid=][,gid=][,mode=])' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l shm-size -d 'Size of /dev/shm (with b, k, m or g) [default: 65536000]' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l shm-size-systemd -d 'Size of the tmpfs mounts for systemd' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l tmpfs -d 'Mount a tmpfs (/path[:options])' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -s v -l volume -d 'Mount a volume, or a directory or file of the host (name:/container[:options], /host:/container[:options])' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l volumes-from -d 'Mount the volumes of another container (CONTAINER[:ro|rw])' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l add-host -d 'Add a line to /etc/hosts (NAME:ADDRESS)' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l dns -d 'Set a DNS server' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l dns-option -d 'Set a DNS option' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l dns-search -d 'Set a DNS search domain' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l egress -d 'What the container may reach: names, *.names, addresses and nets, each with an optional :PORT, or none' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l expose -d 'Declare a port without publishing it' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -s h -l hostname -d 'Name that the container has for itself [default: its short ID]' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l hosts-file -d 'File that /etc/hosts is made from (a path, image or none)' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l ip -d 'Set an IPv4 address' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l ip6 -d 'Set an IPv6 address' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l mac-address -d 'Set a MAC address' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l network -d 'Network to connect to (NAME[:ip=,ip6=,mac=,alias=,interface_name=], bridge, none, host, slirp4netns[:options], pasta[:options])' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l network-alias -d 'Add a name in the network' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -s p -l publish -d 'Publish a port ([[ADDRESS:]HOST:]CONTAINER[/PROTOCOL])' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l cgroupns -d 'Cgroup namespace (private, host, container:NAME, ns:PATH)' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l gidmap -d 'Map group IDs ([+ug]CONTAINER:[@]ID[:AMOUNT])' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l ipc -d 'IPC namespace (shareable, private, none, host, container:NAME, ns:PATH)' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l pid -d 'PID namespace (private, host, container:NAME, ns:PATH)' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l subgidname -d 'Name in /etc/subgid whose ranges are used' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l subuidname -d 'Name in /etc/subuid whose ranges are used' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l uidmap -d 'Map user IDs ([+ug]CONTAINER:[@]ID[:AMOUNT])' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l userns -d 'User namespace (host, keep-id[:uid=UID,gid=GID,size=SIZE], auto[:size=SIZE], nomap, private, container:NAME, ns:PATH) [default: $PODMAN_USERNS, or host]' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l uts -d 'UTS namespace (private, host, container:NAME, ns:PATH)' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l cap-add -d 'Add a capability (ALL: every one)' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l cap-drop -d 'Drop a capability (ALL: every one)' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l seccomp-policy -d 'Where the seccomp profile comes from (default)' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l security-opt -d 'Set a security option (no-new-privileges, seccomp=FILE, mask=PATH, ...)' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l sysctl -d 'Set a kernel parameter of the container\'s namespaces' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l blkio-weight -d 'Weight of block IO' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l blkio-weight-device -d 'Weight of block IO of a device' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l cgroup-conf -d 'Set a value of the cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l cgroup-parent -d 'Parent of the cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l cgroups -d 'Have a cgroup of the container\'s own (enabled, disabled)' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l cpu-period -d 'Period of the CPU scheduler' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l cpu-quota -d 'Quota of the CPU scheduler' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l cpu-rt-period -d 'Period of the real-time scheduler' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l cpu-rt-runtime -d 'Runtime of the real-time scheduler' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -s c -l cpu-shares -d 'Relative weight of CPU time' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l cpus -d 'Number of CPUs' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l cpuset-cpus -d 'CPUs that may be used' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l cpuset-mems -d 'Memory nodes that may be used' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l device-cgroup-rule -d 'Add a rule to the list of devices of the cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l device-read-bps -d 'Limit the bytes read from a device' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l device-read-iops -d 'Limit the reads from a device' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l device-write-bps -d 'Limit the bytes written to a device' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l device-write-iops -d 'Limit the writes to a device' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -s m -l memory -d 'Limit the memory' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l memory-reservation -d 'Soft limit of the memory' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l memory-swap -d 'Limit memory and swap together' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l memory-swappiness -d 'Tendency to swap' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l oom-score-adj -d 'How likely the container is killed when memory runs out (-1000 to 1000)' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l pids-limit -d 'Limit the number of processes' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l rdt-class -d 'Class of cache and memory bandwidth' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l ulimit -d 'Set a limit of the processes (NAME=SOFT[:HARD], or host)' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l log-driver -d 'Log driver (k8s-file, json-file, none, passthrough) [default: k8s-file]' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l log-opt -d 'Set an option of the log driver (path, max-size, max-file, tag)' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l health-cmd -d 'Command that checks the container\'s health' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l health-interval -d 'Time between two checks' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l health-log-destination -d 'Where the results of checks are logged' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l health-max-log-count -d 'How many results are kept' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l health-max-log-size -d 'How long a kept result is' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l health-on-failure -d 'What happens when the container is unhealthy' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l health-retries -d 'How many checks must fail' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l health-start-period -d 'Time in which failed checks do not count' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l health-startup-cmd -d 'Command that checks whether the container has started' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l health-startup-interval -d 'Time between two startup checks' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l health-startup-retries -d 'How many startup checks must fail' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l health-startup-success -d 'How many startup checks must succeed' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l health-startup-timeout -d 'Longest time of a startup check' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l health-timeout -d 'Longest time of a check' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l arch -d 'Architecture of the image, instead of the host\'s' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l authfile -d 'Authentication file, with the logins of registries' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand create" -l cert-dir -d 'Directory with certificates for the registry' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand create" -l creds -d 'Credentials for the registry, as USERNAME:PASSWORD' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l decryption-key -d 'Key for an encrypted image' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l os -d 'Operating system of the image, instead of the host\'s' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l platform -d 'Platform of the image (OS/ARCH[/VARIANT]), instead of the host\'s' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l pull -d 'When to pull the image (missing, always, never, newer) [default: missing]' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l retry -d 'How often a failed pull is tried again' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l retry-delay -d 'Time between two tries to pull' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l variant -d 'Variant of the image\'s architecture' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l annotation -d 'Add an annotation (KEY=VALUE)' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l cidfile -d 'Write the ID of the container to a file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand create" -l conmon-pidfile -d 'Write the PID of the monitor to a file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand create" -s l -l label -d 'Set a label (KEY=VALUE)' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l label-file -d 'Read labels from a file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand create" -l name -d 'Name the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l pidfile -d 'Write the PID of the container\'s first process to a file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand create" -l pod -d 'Run in a pod' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l pod-id-file -d 'Read the ID of the pod from a file' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l requires -d 'Containers that must run first' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l restart -d 'Restart the container when it exits (no, on-failure[:max_retries], always, unless-stopped)' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l sdnotify -d 'Who tells systemd that the container is ready (ignore)' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l systemd -d 'Run systemd in the container (false)' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l init-ctr -d 'Make this an init container of a pod' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l env-host -d 'Pass the whole environment of the host'
complete -c coracle -n "__fish_coracle_using_subcommand create" -l http-proxy -d 'Pass the proxy variables of the host [default: true]'
complete -c coracle -n "__fish_coracle_using_subcommand create" -l init -d 'Run an init as PID 1 that forwards signals and reaps processes'
complete -c coracle -n "__fish_coracle_using_subcommand create" -s i -l interactive -d 'Keep stdin open even when not attached'
complete -c coracle -n "__fish_coracle_using_subcommand create" -s t -l tty -d 'Allocate a terminal'
complete -c coracle -n "__fish_coracle_using_subcommand create" -l unsetenv-all -d 'Unset all default environment variables'
complete -c coracle -n "__fish_coracle_using_subcommand create" -l read-only -d 'Make the root file system read-only'
complete -c coracle -n "__fish_coracle_using_subcommand create" -l read-only-tmpfs -d 'Have writable /run, /tmp and /var/tmp with --read-only [default: true]'
complete -c coracle -n "__fish_coracle_using_subcommand create" -l rootfs -d 'Take the first argument for a directory that is the root (DIRECTORY[:O]), not for an image'
complete -c coracle -n "__fish_coracle_using_subcommand create" -l egress-log -d 'Write down what is refused by --egress'
complete -c coracle -n "__fish_coracle_using_subcommand create" -l no-hostname -d 'Leave /etc/hostname as it is in the image'
complete -c coracle -n "__fish_coracle_using_subcommand create" -l no-hosts -d 'Leave /etc/hosts as it is in the image'
complete -c coracle -n "__fish_coracle_using_subcommand create" -s P -l publish-all -d 'Publish all declared ports on random ports of the host'
complete -c coracle -n "__fish_coracle_using_subcommand create" -l privileged -d 'Give all capabilities and devices that the user has'
complete -c coracle -n "__fish_coracle_using_subcommand create" -l oom-kill-disable -d 'Switch off the killer of processes when memory runs out'
complete -c coracle -n "__fish_coracle_using_subcommand create" -l no-healthcheck -d 'Do not take over the health check of the image'
complete -c coracle -n "__fish_coracle_using_subcommand create" -l disable-content-trust -d 'Do not use Docker\'s content trust, which does not exist here [default: true]'
complete -c coracle -n "__fish_coracle_using_subcommand create" -s q -l quiet -d 'Say nothing while pulling'
complete -c coracle -n "__fish_coracle_using_subcommand create" -l tls-verify -d 'Require HTTPS and verify certificates of the registry'
complete -c coracle -n "__fish_coracle_using_subcommand create" -l replace -d 'Remove a container of the same name first'
complete -c coracle -n "__fish_coracle_using_subcommand create" -l rm -d 'Remove the container when it has exited'
complete -c coracle -n "__fish_coracle_using_subcommand create" -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand exec" -l detach-keys -d 'Key sequence for detaching from the process [default: ctrl-p,ctrl-q]' -r
complete -c coracle -n "__fish_coracle_using_subcommand exec" -s e -l env -d 'Set an environment variable' -r
complete -c coracle -n "__fish_coracle_using_subcommand exec" -l env-file -d 'Read environment variables from a file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand exec" -l preserve-fd -d 'Pass a list of additional descriptors to the process' -r
complete -c coracle -n "__fish_coracle_using_subcommand exec" -l preserve-fds -d 'Pass this number of additional descriptors to the process, from 3 on' -r
complete -c coracle -n "__fish_coracle_using_subcommand exec" -s u -l user -d 'User name or UID, and group name or GID, as user[:group]' -r
complete -c coracle -n "__fish_coracle_using_subcommand exec" -s w -l workdir -d 'Working directory inside the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand exec" -s d -l detach -d 'Run the process in the background and print its session\'s ID'
complete -c coracle -n "__fish_coracle_using_subcommand exec" -s i -l interactive -d 'Connect stdin to the process'
complete -c coracle -n "__fish_coracle_using_subcommand exec" -s l -l latest -d 'Act on the latest container'
complete -c coracle -n "__fish_coracle_using_subcommand exec" -l privileged -d 'Give the process extended Linux capabilities'
complete -c coracle -n "__fish_coracle_using_subcommand exec" -s t -l tty -d 'Allocate a terminal for the process'
complete -c coracle -n "__fish_coracle_using_subcommand exec" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand export" -s o -l output -d 'Write to a file instead of stdout' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand export" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand init" -s a -l all -d 'Initialize all containers that are not running'
complete -c coracle -n "__fish_coracle_using_subcommand init" -s l -l latest -d 'Act on the latest container'
complete -c coracle -n "__fish_coracle_using_subcommand init" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand kill" -l cidfile -d 'Read the container ID from the file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kill" -s s -l signal -d 'Signal to send to the container, by name or number' -r
complete -c coracle -n "__fish_coracle_using_subcommand kill" -s a -l all -d 'Signal all running containers'
complete -c coracle -n "__fish_coracle_using_subcommand kill" -s l -l latest -d 'Act on the latest container'
complete -c coracle -n "__fish_coracle_using_subcommand kill" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand logs" -l since -d 'Only what was written since this time (a date, Unix seconds, or a duration before now)' -r
complete -c coracle -n "__fish_coracle_using_subcommand logs" -l tail -d 'Only this many lines from the end; all when negative' -r
complete -c coracle -n "__fish_coracle_using_subcommand logs" -l until -d 'Only what was written until this time' -r
complete -c coracle -n "__fish_coracle_using_subcommand logs" -l color -d 'Show the output of each container in its own colour'
complete -c coracle -n "__fish_coracle_using_subcommand logs" -s f -l follow -d 'Go on with what the container writes until it ends'
complete -c coracle -n "__fish_coracle_using_subcommand logs" -s l -l latest -d 'Act on the latest container'
complete -c coracle -n "__fish_coracle_using_subcommand logs" -s n -l names -d 'Put the name of the container before each line'
complete -c coracle -n "__fish_coracle_using_subcommand logs" -s t -l timestamps -d 'Put the time before each line'
complete -c coracle -n "__fish_coracle_using_subcommand logs" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand mount" -l format -d 'Print the mounted containers as JSON (`json`)' -r
complete -c coracle -n "__fish_coracle_using_subcommand mount" -s a -l all -d 'Mount all containers'
complete -c coracle -n "__fish_coracle_using_subcommand mount" -s l -l latest -d 'Act on the latest container'
complete -c coracle -n "__fish_coracle_using_subcommand mount" -l no-trunc -d 'Show whole IDs'
complete -c coracle -n "__fish_coracle_using_subcommand mount" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand pause" -l cidfile -d 'Read the container ID from the file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand pause" -s f -l filter -d 'Only containers that match, for example name=web or label=key=value' -r
complete -c coracle -n "__fish_coracle_using_subcommand pause" -s a -l all -d 'Pause all running containers'
complete -c coracle -n "__fish_coracle_using_subcommand pause" -s l -l latest -d 'Act on the latest container'
complete -c coracle -n "__fish_coracle_using_subcommand pause" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand port" -s a -l all -d 'Show the ports of all running containers'
complete -c coracle -n "__fish_coracle_using_subcommand port" -s l -l latest -d 'Act on the latest container'
complete -c coracle -n "__fish_coracle_using_subcommand port" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand ps" -s f -l filter -d 'Only containers that match, for example status=exited or label=key=value' -r
complete -c coracle -n "__fish_coracle_using_subcommand ps" -l format -d 'Print as JSON or by a Go template' -r
complete -c coracle -n "__fish_coracle_using_subcommand ps" -s n -l last -d 'Show this many containers, the last created ones, in any state' -r
complete -c coracle -n "__fish_coracle_using_subcommand ps" -l sort -d 'Sort by command, created, id, image, names, runningfor, size or status' -r
complete -c coracle -n "__fish_coracle_using_subcommand ps" -s w -l watch -d 'Print again every so many seconds' -r
complete -c coracle -n "__fish_coracle_using_subcommand ps" -s a -l all -d 'Show all containers, not only running ones'
complete -c coracle -n "__fish_coracle_using_subcommand ps" -l external -d 'Show containers of other tools in the storage too'
complete -c coracle -n "__fish_coracle_using_subcommand ps" -s l -l latest -d 'Show the latest container, in any state'
complete -c coracle -n "__fish_coracle_using_subcommand ps" -l no-trunc -d 'Do not shorten IDs and commands'
complete -c coracle -n "__fish_coracle_using_subcommand ps" -l noheading -d 'Do not print headings'
complete -c coracle -n "__fish_coracle_using_subcommand ps" -l ns -d 'Show the namespaces of the containers'
complete -c coracle -n "__fish_coracle_using_subcommand ps" -s p -l pod -d 'Show the pods of the containers'
complete -c coracle -n "__fish_coracle_using_subcommand ps" -s q -l quiet -d 'Print the IDs only'
complete -c coracle -n "__fish_coracle_using_subcommand ps" -s s -l size -d 'Show the sizes of the containers'
complete -c coracle -n "__fish_coracle_using_subcommand ps" -l sync -d 'Sync the state with the runtime; it always is'
complete -c coracle -n "__fish_coracle_using_subcommand ps" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand rename" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand restart" -l cidfile -d 'Read the container ID from the file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand restart" -s f -l filter -d 'Only containers that match, for example status=exited or label=key=value' -r
complete -c coracle -n "__fish_coracle_using_subcommand restart" -s t -l time -d 'Seconds to wait before the container is killed [default: the container\'s own, usually 10]' -r
complete -c coracle -n "__fish_coracle_using_subcommand restart" -s a -l all -d 'Restart all containers, whatever their state'
complete -c coracle -n "__fish_coracle_using_subcommand restart" -s l -l latest -d 'Act on the latest container'
complete -c coracle -n "__fish_coracle_using_subcommand restart" -l running -d 'Restart only running containers'
complete -c coracle -n "__fish_coracle_using_subcommand restart" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand rm" -l cidfile -d 'Read the container ID from the file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand rm" -l filter -d 'Only containers that match, for example status=exited or label=key=value' -r
complete -c coracle -n "__fish_coracle_using_subcommand rm" -s t -l time -d 'Seconds to wait before the container is killed (with --force)' -r
complete -c coracle -n "__fish_coracle_using_subcommand rm" -s a -l all -d 'Remove all containers'
complete -c coracle -n "__fish_coracle_using_subcommand rm" -l depend -d 'Remove the container and all containers that depend on it'
complete -c coracle -n "__fish_coracle_using_subcommand rm" -s f -l force -d 'Force removal of a running or unusable container'
complete -c coracle -n "__fish_coracle_using_subcommand rm" -s i -l ignore -d 'Ignore errors when a specified container is missing'
complete -c coracle -n "__fish_coracle_using_subcommand rm" -s l -l latest -d 'Act on the latest container'
complete -c coracle -n "__fish_coracle_using_subcommand rm" -s v -l volumes -d 'Remove anonymous volumes associated with the container'
complete -c coracle -n "__fish_coracle_using_subcommand rm" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand run" -s a -l attach -d 'Attach to stdin, stdout or stderr' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l entrypoint -d 'Replace the entrypoint of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -s e -l env -d 'Set an environment variable (NAME=VALUE, NAME to pass the host\'s, or PREFIX*)' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l env-file -d 'Read environment variables from a file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand run" -l env-merge -d 'Set a variable from those of the image (PATH=${PATH}:/opt/bin)' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l group-add -d 'Add a group to the groups of the user' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l group-entry -d 'Entry of the user\'s group in the container\'s /etc/group (with $GROUPNAME, $GID, $USERLIST)' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l hostuser -d 'Add a user of the host to the container\'s /etc/passwd' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l init-path -d 'Path of another init' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l passwd-entry -d 'Entry of the user in the container\'s /etc/passwd (with $USERNAME, $UID, $GID, $NAME, $HOME)' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l personality -d 'Set the execution domain (LINUX, LINUX32)' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l stop-signal -d 'Signal that stops the container [default: the image\'s, or SIGTERM]' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l stop-timeout -d 'Seconds to wait for the container to stop before it is killed [default: 10]' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l timeout -d 'Kill the container after this many seconds (0: never)' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l tz -d 'Set the time zone (Area/City, or local for the host\'s)' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l umask -d 'Set the umask [default: 0022]' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l unsetenv -d 'Unset an environment variable of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -s u -l user -d 'User and group (USER[:GROUP], names or numbers)' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -s w -l workdir -d 'Working directory in the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l chrootdirs -d 'Put /etc/hosts and the like into these directories as well' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l device -d 'Give access to a device of the host (HOST[:CONTAINER][:rwm]), or to one by its CDI name (vendor.com/class=name)' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l gpus -d 'Give access to GPUs (all, or their numbers)' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l image-volume -d 'What becomes of the volumes of the image (anonymous, tmpfs, ignore) [default: anonymous]' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l mount -d 'Mount a file system (type=bind,src=/a,dst=/b)' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l secret -d 'Give access to a secret (NAME[,type=mount|env][,target=...][,uid=][,gid=][,mode=])' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l shm-size -d 'Size of /dev/shm (with b, k, m or g) [default: 65536000]' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l shm-size-systemd -d 'Size of the tmpfs mounts for systemd' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l tmpfs -d 'Mount a tmpfs (/path[:options])' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -s v -l volume -d 'Mount a volume, or a directory or file of the host (name:/container[:options], /host:/container[:options])' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l volumes-from -d 'Mount the volumes of another container (CONTAINER[:ro|rw])' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l add-host -d 'Add a line to /etc/hosts (NAME:ADDRESS)' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l dns -d 'Set a DNS server' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l dns-option -d 'Set a DNS option' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l dns-search -d 'Set a DNS search domain' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l egress -d 'What the container may reach: names, *.names, addresses and nets, each with an optional :PORT, or none' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l expose -d 'Declare a port without publishing it' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -s h -l hostname -d 'Name that the container has for itself [default: its short ID]' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l hosts-file -d 'File that /etc/hosts is made from (a path, image or none)' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l ip -d 'Set an IPv4 address' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l ip6 -d 'Set an IPv6 address' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l mac-address -d 'Set a MAC address' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l network -d 'Network to connect to (NAME[:ip=,ip6=,mac=,alias=,interface_name=], bridge, none, host, slirp4netns[:options], pasta[:options])' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l network-alias -d 'Add a name in the network' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -s p -l publish -d 'Publish a port ([[ADDRESS:]HOST:]CONTAINER[/PROTOCOL])' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l cgroupns -d 'Cgroup namespace (private, host, container:NAME, ns:PATH)' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l gidmap -d 'Map group IDs ([+ug]CONTAINER:[@]ID[:AMOUNT])' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l ipc -d 'IPC namespace (shareable, private, none, host, container:NAME, ns:PATH)' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l pid -d 'PID namespace (private, host, container:NAME, ns:PATH)' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l subgidname -d 'Name in /etc/subgid whose ranges are used' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l subuidname -d 'Name in /etc/subuid whose ranges are used' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l uidmap -d 'Map user IDs ([+ug]CONTAINER:[@]ID[:AMOUNT])' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l userns -d 'User namespace (host, keep-id[:uid=UID,gid=GID,size=SIZE], auto[:size=SIZE], nomap, private, container:NAME, ns:PATH) [default: $PODMAN_USERNS, or host]' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l uts -d 'UTS namespace (private, host, container:NAME, ns:PATH)' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l cap-add -d 'Add a capability (ALL: every one)' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l cap-drop -d 'Drop a capability (ALL: every one)' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l seccomp-policy -d 'Where the seccomp profile comes from (default)' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l security-opt -d 'Set a security option (no-new-privileges, seccomp=FILE, mask=PATH, ...)' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l sysctl -d 'Set a kernel parameter of the container\'s namespaces' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l blkio-weight -d 'Weight of block IO' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l blkio-weight-device -d 'Weight of block IO of a device' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l cgroup-conf -d 'Set a value of the cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l cgroup-parent -d 'Parent of the cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l cgroups -d 'Have a cgroup of the container\'s own (enabled, disabled)' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l cpu-period -d 'Period of the CPU scheduler' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l cpu-quota -d 'Quota of the CPU scheduler' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l cpu-rt-period -d 'Period of the real-time scheduler' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l cpu-rt-runtime -d 'Runtime of the real-time scheduler' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -s c -l cpu-shares -d 'Relative weight of CPU time' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l cpus -d 'Number of CPUs' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l cpuset-cpus -d 'CPUs that may be used' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l cpuset-mems -d 'Memory nodes that may be used' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l device-cgroup-rule -d 'Add a rule to the list of devices of the cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l device-read-bps -d 'Limit the bytes read from a device' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l device-read-iops -d 'Limit the reads from a device' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l device-write-bps -d 'Limit the bytes written to a device' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l device-write-iops -d 'Limit the writes to a device' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -s m -l memory -d 'Limit the memory' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l memory-reservation -d 'Soft limit of the memory' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l memory-swap -d 'Limit memory and swap together' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l memory-swappiness -d 'Tendency to swap' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l oom-score-adj -d 'How likely the container is killed when memory runs out (-1000 to 1000)' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l pids-limit -d 'Limit the number of processes' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l rdt-class -d 'Class of cache and memory bandwidth' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l ulimit -d 'Set a limit of the processes (NAME=SOFT[:HARD], or host)' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l log-driver -d 'Log driver (k8s-file, json-file, none, passthrough) [default: k8s-file]' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l log-opt -d 'Set an option of the log driver (path, max-size, max-file, tag)' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l health-cmd -d 'Command that checks the container\'s health' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l health-interval -d 'Time between two checks' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l health-log-destination -d 'Where the results of checks are logged' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l health-max-log-count -d 'How many results are kept' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l health-max-log-size -d 'How long a kept result is' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l health-on-failure -d 'What happens when the container is unhealthy' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l health-retries -d 'How many checks must fail' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l health-start-period -d 'Time in which failed checks do not count' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l health-startup-cmd -d 'Command that checks whether the container has started' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l health-startup-interval -d 'Time between two startup checks' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l health-startup-retries -d 'How many startup checks must fail' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l health-startup-success -d 'How many startup checks must succeed' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l health-startup-timeout -d 'Longest time of a startup check' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l health-timeout -d 'Longest time of a check' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l arch -d 'Architecture of the image, instead of the host\'s' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l authfile -d 'Authentication file, with the logins of registries' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand run" -l cert-dir -d 'Directory with certificates for the registry' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand run" -l creds -d 'Credentials for the registry, as USERNAME:PASSWORD' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l decryption-key -d 'Key for an encrypted image' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l os -d 'Operating system of the image, instead of the host\'s' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l platform -d 'Platform of the image (OS/ARCH[/VARIANT]), instead of the host\'s' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l pull -d 'When to pull the image (missing, always, never, newer) [default: missing]' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l retry -d 'How often a failed pull is tried again' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l retry-delay -d 'Time between two tries to pull' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l variant -d 'Variant of the image\'s architecture' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l annotation -d 'Add an annotation (KEY=VALUE)' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l cidfile -d 'Write the ID of the container to a file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand run" -l conmon-pidfile -d 'Write the PID of the monitor to a file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand run" -s l -l label -d 'Set a label (KEY=VALUE)' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l label-file -d 'Read labels from a file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand run" -l name -d 'Name the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l pidfile -d 'Write the PID of the container\'s first process to a file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand run" -l pod -d 'Run in a pod' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l pod-id-file -d 'Read the ID of the pod from a file' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l requires -d 'Containers that must run first' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l restart -d 'Restart the container when it exits (no, on-failure[:max_retries], always, unless-stopped)' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l sdnotify -d 'Who tells systemd that the container is ready (ignore)' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l systemd -d 'Run systemd in the container (false)' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l detach-keys -d 'Keys that detach from the container [default: ctrl-p,ctrl-q]' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l preserve-fd -d 'Pass descriptors of these numbers to the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l preserve-fds -d 'Pass this many descriptors to the container, from 3 on' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l env-host -d 'Pass the whole environment of the host'
complete -c coracle -n "__fish_coracle_using_subcommand run" -l http-proxy -d 'Pass the proxy variables of the host [default: true]'
complete -c coracle -n "__fish_coracle_using_subcommand run" -l init -d 'Run an init as PID 1 that forwards signals and reaps processes'
complete -c coracle -n "__fish_coracle_using_subcommand run" -s i -l interactive -d 'Keep stdin open even when not attached'
complete -c coracle -n "__fish_coracle_using_subcommand run" -s t -l tty -d 'Allocate a terminal'
complete -c coracle -n "__fish_coracle_using_subcommand run" -l unsetenv-all -d 'Unset all default environment variables'
complete -c coracle -n "__fish_coracle_using_subcommand run" -l read-only -d 'Make the root file system read-only'
complete -c coracle -n "__fish_coracle_using_subcommand run" -l read-only-tmpfs -d 'Have writable /run, /tmp and /var/tmp with --read-only [default: true]'
complete -c coracle -n "__fish_coracle_using_subcommand run" -l rootfs -d 'Take the first argument for a directory that is the root (DIRECTORY[:O]), not for an image'
complete -c coracle -n "__fish_coracle_using_subcommand run" -l egress-log -d 'Write down what is refused by --egress'
complete -c coracle -n "__fish_coracle_using_subcommand run" -l no-hostname -d 'Leave /etc/hostname as it is in the image'
complete -c coracle -n "__fish_coracle_using_subcommand run" -l no-hosts -d 'Leave /etc/hosts as it is in the image'
complete -c coracle -n "__fish_coracle_using_subcommand run" -s P -l publish-all -d 'Publish all declared ports on random ports of the host'
complete -c coracle -n "__fish_coracle_using_subcommand run" -l privileged -d 'Give all capabilities and devices that the user has'
complete -c coracle -n "__fish_coracle_using_subcommand run" -l oom-kill-disable -d 'Switch off the killer of processes when memory runs out'
complete -c coracle -n "__fish_coracle_using_subcommand run" -l no-healthcheck -d 'Do not take over the health check of the image'
complete -c coracle -n "__fish_coracle_using_subcommand run" -l disable-content-trust -d 'Do not use Docker\'s content trust, which does not exist here [default: true]'
complete -c coracle -n "__fish_coracle_using_subcommand run" -s q -l quiet -d 'Say nothing while pulling'
complete -c coracle -n "__fish_coracle_using_subcommand run" -l tls-verify -d 'Require HTTPS and verify certificates of the registry'
complete -c coracle -n "__fish_coracle_using_subcommand run" -l replace -d 'Remove a container of the same name first'
complete -c coracle -n "__fish_coracle_using_subcommand run" -l rm -d 'Remove the container when it has exited'
complete -c coracle -n "__fish_coracle_using_subcommand run" -s d -l detach -d 'Run in the background and print the ID'
complete -c coracle -n "__fish_coracle_using_subcommand run" -l passwd -d 'Add the user to the container\'s /etc/passwd where it is missing [default: true]'
complete -c coracle -n "__fish_coracle_using_subcommand run" -l rmi -d 'Remove the image too when the container has exited; implies --rm'
complete -c coracle -n "__fish_coracle_using_subcommand run" -l sig-proxy -d 'Pass signals on to the container [default: true, without a terminal]'
complete -c coracle -n "__fish_coracle_using_subcommand run" -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand start" -s f -l filter -d 'Only containers that match, for example status=exited or label=key=value' -r
complete -c coracle -n "__fish_coracle_using_subcommand start" -l all -d 'Start all containers that are not running'
complete -c coracle -n "__fish_coracle_using_subcommand start" -s a -l attach -d 'Attach the container\'s stdout and stderr'
complete -c coracle -n "__fish_coracle_using_subcommand start" -s i -l interactive -d 'Attach the container\'s stdin as well'
complete -c coracle -n "__fish_coracle_using_subcommand start" -s l -l latest -d 'Act on the latest container'
complete -c coracle -n "__fish_coracle_using_subcommand start" -l sig-proxy -d 'Pass received signals to the process (with --attach, which implies it)'
complete -c coracle -n "__fish_coracle_using_subcommand start" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand stop" -l cidfile -d 'Read the container ID from the file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand stop" -s f -l filter -d 'Only containers that match, for example status=running or label=key=value' -r
complete -c coracle -n "__fish_coracle_using_subcommand stop" -s t -l time -d 'Seconds to wait before the container is killed [default: the container\'s own, usually 10]' -r
complete -c coracle -n "__fish_coracle_using_subcommand stop" -s a -l all -d 'Stop all running containers'
complete -c coracle -n "__fish_coracle_using_subcommand stop" -s i -l ignore -d 'Ignore errors when a specified container is missing'
complete -c coracle -n "__fish_coracle_using_subcommand stop" -s l -l latest -d 'Act on the latest container'
complete -c coracle -n "__fish_coracle_using_subcommand stop" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand top" -s l -l latest -d 'Act on the latest container'
complete -c coracle -n "__fish_coracle_using_subcommand top" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand unmount" -s a -l all -d 'Unmount all containers'
complete -c coracle -n "__fish_coracle_using_subcommand unmount" -s f -l force -d 'Unmount even if something uses a file in it'
complete -c coracle -n "__fish_coracle_using_subcommand unmount" -s l -l latest -d 'Act on the latest container'
complete -c coracle -n "__fish_coracle_using_subcommand unmount" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand unpause" -l cidfile -d 'Read the container ID from the file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand unpause" -s f -l filter -d 'Only containers that match, for example name=web or label=key=value' -r
complete -c coracle -n "__fish_coracle_using_subcommand unpause" -s a -l all -d 'Unpause all paused containers'
complete -c coracle -n "__fish_coracle_using_subcommand unpause" -s l -l latest -d 'Act on the latest container'
complete -c coracle -n "__fish_coracle_using_subcommand unpause" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand wait" -l condition -d 'Condition to wait for: created, exited, initialized, paused, removing, running, stopped, stopping' -r
complete -c coracle -n "__fish_coracle_using_subcommand wait" -s i -l interval -d 'Time between two looks at the container, where looking is needed (500ms, 2s; a bare number is milliseconds)' -r
complete -c coracle -n "__fish_coracle_using_subcommand wait" -l ignore -d 'Ignore errors when a specified container is missing'
complete -c coracle -n "__fish_coracle_using_subcommand wait" -s l -l latest -d 'Act on the latest container'
complete -c coracle -n "__fish_coracle_using_subcommand wait" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand history" -l format -d 'Print as JSON or by a Go template' -r
complete -c coracle -n "__fish_coracle_using_subcommand history" -s H -l human -d 'Show sizes with units and times in words'
complete -c coracle -n "__fish_coracle_using_subcommand history" -l no-trunc -d 'Do not shorten anything'
complete -c coracle -n "__fish_coracle_using_subcommand history" -s q -l quiet -d 'Print the IDs only'
complete -c coracle -n "__fish_coracle_using_subcommand history" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand images" -s f -l filter -d 'Only images that match, for example dangling=true or reference=busybox' -r
complete -c coracle -n "__fish_coracle_using_subcommand images" -l format -d 'Print as JSON or by a Go template' -r
complete -c coracle -n "__fish_coracle_using_subcommand images" -l sort -d 'Sort by created, id, repository, size or tag' -r
complete -c coracle -n "__fish_coracle_using_subcommand images" -s a -l all -d 'Show all images, with intermediate ones'
complete -c coracle -n "__fish_coracle_using_subcommand images" -l digests -d 'Show digests'
complete -c coracle -n "__fish_coracle_using_subcommand images" -l history -d 'Show the earlier names of images'
complete -c coracle -n "__fish_coracle_using_subcommand images" -l no-trunc -d 'Do not shorten IDs'
complete -c coracle -n "__fish_coracle_using_subcommand images" -s n -l noheading -d 'Do not print headings'
complete -c coracle -n "__fish_coracle_using_subcommand images" -s q -l quiet -d 'Print the IDs only'
complete -c coracle -n "__fish_coracle_using_subcommand images" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand import" -l arch -d 'Architecture of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand import" -s c -l change -d 'Set the configuration, as a line of a Containerfile: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME, WORKDIR' -r
complete -c coracle -n "__fish_coracle_using_subcommand import" -s m -l message -d 'Comment of the image\'s history' -r
complete -c coracle -n "__fish_coracle_using_subcommand import" -l os -d 'Operating system of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand import" -l variant -d 'Variant of the architecture' -r
complete -c coracle -n "__fish_coracle_using_subcommand import" -s q -l quiet -d 'Do not show progress'
complete -c coracle -n "__fish_coracle_using_subcommand import" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand load" -s i -l input -d 'Read the archive, or the OCI directory, at this path instead of standard input' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand load" -s q -l quiet -d 'Do not show progress'
complete -c coracle -n "__fish_coracle_using_subcommand load" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand pull" -l arch -d 'Pull the image for this architecture instead of that of the machine' -r
complete -c coracle -n "__fish_coracle_using_subcommand pull" -l cert-dir -d 'Directory with certificates for the registry' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand pull" -l creds -d 'Credentials for the registry, as USERNAME:PASSWORD' -r
complete -c coracle -n "__fish_coracle_using_subcommand pull" -l decryption-key -d 'Key to decrypt the image with' -r
complete -c coracle -n "__fish_coracle_using_subcommand pull" -l os -d 'Pull the image for this operating system instead of that of the machine' -r
complete -c coracle -n "__fish_coracle_using_subcommand pull" -l platform -d 'Pull the image for this platform, as OS/ARCH[/VARIANT]' -r
complete -c coracle -n "__fish_coracle_using_subcommand pull" -l policy -d 'When to pull: always, missing, never or newer' -r
complete -c coracle -n "__fish_coracle_using_subcommand pull" -l retry -d 'How often to try again after a failure of the network [default: 3]' -r
complete -c coracle -n "__fish_coracle_using_subcommand pull" -l retry-delay -d 'How long to wait between two tries, for example 2s' -r
complete -c coracle -n "__fish_coracle_using_subcommand pull" -l variant -d 'Pull the image for this variant of the architecture' -r
complete -c coracle -n "__fish_coracle_using_subcommand pull" -l authfile -d 'Path of the authentication file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand pull" -s a -l all-tags -d 'Pull all tags of the repository'
complete -c coracle -n "__fish_coracle_using_subcommand pull" -l disable-content-trust -d 'Skip verification by Docker\'s content trust, which is not done anyway'
complete -c coracle -n "__fish_coracle_using_subcommand pull" -s q -l quiet -d 'Do not show progress'
complete -c coracle -n "__fish_coracle_using_subcommand pull" -l tls-verify -d 'Demand HTTPS and verify certificates [default: as registries.conf says, else true]'
complete -c coracle -n "__fish_coracle_using_subcommand pull" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand push" -l cert-dir -d 'Directory with certificates for the registry' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand push" -l compression-format -d 'Compression of the layers: gzip or zstd. Layers that are compressed differently are compressed anew' -r
complete -c coracle -n "__fish_coracle_using_subcommand push" -l compression-level -d 'Compression level: 0 to 9 for gzip, 1 to 22 for zstd [default: 1 for gzip, 3 for zstd]' -r
complete -c coracle -n "__fish_coracle_using_subcommand push" -l creds -d 'Credentials for the registry, as USERNAME:PASSWORD' -r
complete -c coracle -n "__fish_coracle_using_subcommand push" -l digestfile -d 'Write the digest of the pushed image to this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand push" -l encrypt-layer -r
complete -c coracle -n "__fish_coracle_using_subcommand push" -l encryption-key -r
complete -c coracle -n "__fish_coracle_using_subcommand push" -s f -l format -d 'Format of the manifest: oci or v2s2 [default: as it is]' -r
complete -c coracle -n "__fish_coracle_using_subcommand push" -l retry -d 'How often to try again after a failure of the network [default: 3]' -r
complete -c coracle -n "__fish_coracle_using_subcommand push" -l retry-delay -d 'How long to wait between two tries, for example 2s' -r
complete -c coracle -n "__fish_coracle_using_subcommand push" -l sign-by -d 'Name or fingerprint of the GPG key to sign the image with' -r
complete -c coracle -n "__fish_coracle_using_subcommand push" -l sign-by-sigstore -d 'File of parameters to sign the image with sigstore' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand push" -l sign-by-sigstore-private-key -d 'File with the private key to sign the image with sigstore' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand push" -l sign-passphrase-file -d 'File with the passphrase of the key to sign with' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand push" -l authfile -d 'Path of the authentication file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand push" -l compress -d 'Compress layers when the destination is a `dir:` directory'
complete -c coracle -n "__fish_coracle_using_subcommand push" -l disable-content-trust -d 'Skip signing by Docker\'s content trust, which is not done anyway'
complete -c coracle -n "__fish_coracle_using_subcommand push" -l force-compression -d 'Compress all layers anew, also those that have the format already'
complete -c coracle -n "__fish_coracle_using_subcommand push" -s q -l quiet -d 'Do not show progress'
complete -c coracle -n "__fish_coracle_using_subcommand push" -l remove-signatures -d 'Do not copy signatures, of which the store has none'
complete -c coracle -n "__fish_coracle_using_subcommand push" -l tls-verify -d 'Demand HTTPS and verify certificates [default: as registries.conf says, else true]'
complete -c coracle -n "__fish_coracle_using_subcommand push" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand rmi" -s a -l all -d 'Remove all images'
complete -c coracle -n "__fish_coracle_using_subcommand rmi" -s f -l force -d 'Remove the containers that use the image as well'
complete -c coracle -n "__fish_coracle_using_subcommand rmi" -s i -l ignore -d 'Ignore errors when a specified image is missing'
complete -c coracle -n "__fish_coracle_using_subcommand rmi" -l no-prune -d 'Keep images without a name from which the image was made'
complete -c coracle -n "__fish_coracle_using_subcommand rmi" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand save" -l format -d 'What to write: docker-archive, oci-archive, oci-dir or docker-dir' -r
complete -c coracle -n "__fish_coracle_using_subcommand save" -s o -l output -d 'Write to this file or directory instead of stdout' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand save" -l compress -d 'Compress the layers in a directory of the format docker-dir'
complete -c coracle -n "__fish_coracle_using_subcommand save" -s m -l multi-image-archive -d 'Save several images; otherwise, what follows the first are more names for it'
complete -c coracle -n "__fish_coracle_using_subcommand save" -s q -l quiet -d 'Do not show progress'
complete -c coracle -n "__fish_coracle_using_subcommand save" -l uncompressed -d 'Leave layers without compression as they are in the OCI formats'
complete -c coracle -n "__fish_coracle_using_subcommand save" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand search" -l cert-dir -d 'Directory with certificates for the registry' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand search" -l creds -d 'Credentials for the registry, as USERNAME:PASSWORD' -r
complete -c coracle -n "__fish_coracle_using_subcommand search" -s f -l filter -d 'Only images that match: stars=NUMBER, is-official, is-automated' -r
complete -c coracle -n "__fish_coracle_using_subcommand search" -l format -d 'Print as JSON or by a Go template' -r
complete -c coracle -n "__fish_coracle_using_subcommand search" -l limit -d 'At most this many results of each registry [default: 25]' -r
complete -c coracle -n "__fish_coracle_using_subcommand search" -l authfile -d 'Path of the authentication file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand search" -l compatible -d 'Show the columns that Docker shows, with stars'
complete -c coracle -n "__fish_coracle_using_subcommand search" -l list-tags -d 'List the tags of a repository'
complete -c coracle -n "__fish_coracle_using_subcommand search" -l no-trunc -d 'Do not shorten descriptions'
complete -c coracle -n "__fish_coracle_using_subcommand search" -l tls-verify -d 'Demand HTTPS and verify certificates [default: as registries.conf says, else true]'
complete -c coracle -n "__fish_coracle_using_subcommand search" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand tag" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand untag" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand diff" -l format -d 'Print as JSON (`json`)' -r
complete -c coracle -n "__fish_coracle_using_subcommand diff" -s l -l latest -d 'Act on the latest container'
complete -c coracle -n "__fish_coracle_using_subcommand diff" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand info" -s f -l format -d 'Print as JSON or by a Go template' -r
complete -c coracle -n "__fish_coracle_using_subcommand info" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand inspect" -s f -l format -d 'Print as JSON or by a Go template' -r
complete -c coracle -n "__fish_coracle_using_subcommand inspect" -s t -l type -d 'Kind of the objects: container, image, volume, network or all' -r
complete -c coracle -n "__fish_coracle_using_subcommand inspect" -s l -l latest -d 'Act on the latest container'
complete -c coracle -n "__fish_coracle_using_subcommand inspect" -s s -l size -d 'Show the size of containers'
complete -c coracle -n "__fish_coracle_using_subcommand inspect" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand login" -l authfile -d 'Path of the authentication file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand login" -l cert-dir -d 'Directory with certificates for the registry' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand login" -l compat-auth-file -d 'Path of a Docker configuration file to keep the login in' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand login" -s p -l password -d 'Password for the registry' -r
complete -c coracle -n "__fish_coracle_using_subcommand login" -l secret -d 'Use a secret as password' -r
complete -c coracle -n "__fish_coracle_using_subcommand login" -s u -l username -d 'User name for the registry' -r
complete -c coracle -n "__fish_coracle_using_subcommand login" -l get-login -d 'Print the user name of the current login'
complete -c coracle -n "__fish_coracle_using_subcommand login" -l password-stdin -d 'Read the password from stdin'
complete -c coracle -n "__fish_coracle_using_subcommand login" -l tls-verify -d 'Demand HTTPS and verify certificates [default: as registries.conf says, else true]'
complete -c coracle -n "__fish_coracle_using_subcommand login" -s v -l verbose -d 'Say where the login is kept'
complete -c coracle -n "__fish_coracle_using_subcommand login" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand logout" -l authfile -d 'Path of the authentication file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand logout" -l compat-auth-file -d 'Path of a Docker configuration file that the login is kept in' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand logout" -s a -l all -d 'Remove all logins'
complete -c coracle -n "__fish_coracle_using_subcommand logout" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand unshare" -l rootless-netns -d 'Join the network namespace of bridge networks'
complete -c coracle -n "__fish_coracle_using_subcommand unshare" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand version" -s f -l format -d 'Print as JSON or by a Go template' -r
complete -c coracle -n "__fish_coracle_using_subcommand version" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone commit cp create diff exec exists export init inspect kill list logs mount pause port prune ps rename restart rm run start stop top unmount unpause wait help" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone commit cp create diff exec exists export init inspect kill list logs mount pause port prune ps rename restart rm run start stop top unmount unpause wait help" -f -a "attach" -d 'Attach to a running container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone commit cp create diff exec exists export init inspect kill list logs mount pause port prune ps rename restart rm run start stop top unmount unpause wait help" -f -a "cleanup" -d 'Clean up what a killed monitor of a container left'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone commit cp create diff exec exists export init inspect kill list logs mount pause port prune ps rename restart rm run start stop top unmount unpause wait help" -f -a "clone" -d 'Create another container like one that is there'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone commit cp create diff exec exists export init inspect kill list logs mount pause port prune ps rename restart rm run start stop top unmount unpause wait help" -f -a "commit" -d 'Create an image from what a container has become'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone commit cp create diff exec exists export init inspect kill list logs mount pause port prune ps rename restart rm run start stop top unmount unpause wait help" -f -a "cp" -d 'Copy files between a container and the host, or between containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone commit cp create diff exec exists export init inspect kill list logs mount pause port prune ps rename restart rm run start stop top unmount unpause wait help" -f -a "create" -d 'Create but do not start a container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone commit cp create diff exec exists export init inspect kill list logs mount pause port prune ps rename restart rm run start stop top unmount unpause wait help" -f -a "diff" -d 'Show what a container changed about its image, or about another container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone commit cp create diff exec exists export init inspect kill list logs mount pause port prune ps rename restart rm run start stop top unmount unpause wait help" -f -a "exec" -d 'Run a process in a running container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone commit cp create diff exec exists export init inspect kill list logs mount pause port prune ps rename restart rm run start stop top unmount unpause wait help" -f -a "exists" -d 'Say by the exit code whether a container exists'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone commit cp create diff exec exists export init inspect kill list logs mount pause port prune ps rename restart rm run start stop top unmount unpause wait help" -f -a "export" -d 'Export a container\'s file system as a tar archive'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone commit cp create diff exec exists export init inspect kill list logs mount pause port prune ps rename restart rm run start stop top unmount unpause wait help" -f -a "init" -d 'Initialize one or more containers without starting them'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone commit cp create diff exec exists export init inspect kill list logs mount pause port prune ps rename restart rm run start stop top unmount unpause wait help" -f -a "inspect" -d 'Show all that is known of a container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone commit cp create diff exec exists export init inspect kill list logs mount pause port prune ps rename restart rm run start stop top unmount unpause wait help" -f -a "kill" -d 'Send a signal to one or more running containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone commit cp create diff exec exists export init inspect kill list logs mount pause port prune ps rename restart rm run start stop top unmount unpause wait help" -f -a "list" -d 'List containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone commit cp create diff exec exists export init inspect kill list logs mount pause port prune ps rename restart rm run start stop top unmount unpause wait help" -f -a "logs" -d 'Show the logs of one or more containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone commit cp create diff exec exists export init inspect kill list logs mount pause port prune ps rename restart rm run start stop top unmount unpause wait help" -f -a "mount" -d 'Mount the root file systems of containers, or list those that are mounted'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone commit cp create diff exec exists export init inspect kill list logs mount pause port prune ps rename restart rm run start stop top unmount unpause wait help" -f -a "pause" -d 'Pause all the processes in one or more containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone commit cp create diff exec exists export init inspect kill list logs mount pause port prune ps rename restart rm run start stop top unmount unpause wait help" -f -a "port" -d 'List the published ports of a container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone commit cp create diff exec exists export init inspect kill list logs mount pause port prune ps rename restart rm run start stop top unmount unpause wait help" -f -a "prune" -d 'Remove all containers that do not run'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone commit cp create diff exec exists export init inspect kill list logs mount pause port prune ps rename restart rm run start stop top unmount unpause wait help" -f -a "ps" -d 'List containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone commit cp create diff exec exists export init inspect kill list logs mount pause port prune ps rename restart rm run start stop top unmount unpause wait help" -f -a "rename" -d 'Rename a container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone commit cp create diff exec exists export init inspect kill list logs mount pause port prune ps rename restart rm run start stop top unmount unpause wait help" -f -a "restart" -d 'Restart one or more containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone commit cp create diff exec exists export init inspect kill list logs mount pause port prune ps rename restart rm run start stop top unmount unpause wait help" -f -a "rm" -d 'Remove one or more containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone commit cp create diff exec exists export init inspect kill list logs mount pause port prune ps rename restart rm run start stop top unmount unpause wait help" -f -a "run" -d 'Run a command in a new container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone commit cp create diff exec exists export init inspect kill list logs mount pause port prune ps rename restart rm run start stop top unmount unpause wait help" -f -a "start" -d 'Start one or more containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone commit cp create diff exec exists export init inspect kill list logs mount pause port prune ps rename restart rm run start stop top unmount unpause wait help" -f -a "stop" -d 'Stop one or more containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone commit cp create diff exec exists export init inspect kill list logs mount pause port prune ps rename restart rm run start stop top unmount unpause wait help" -f -a "top" -d 'Show the running processes of a container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone commit cp create diff exec exists export init inspect kill list logs mount pause port prune ps rename restart rm run start stop top unmount unpause wait help" -f -a "unmount" -d 'Unmount the root file systems of containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone commit cp create diff exec exists export init inspect kill list logs mount pause port prune ps rename restart rm run start stop top unmount unpause wait help" -f -a "unpause" -d 'Unpause the processes in one or more containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone commit cp create diff exec exists export init inspect kill list logs mount pause port prune ps rename restart rm run start stop top unmount unpause wait help" -f -a "wait" -d 'Block until one or more containers stop, then print their exit codes'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from attach cleanup clone commit cp create diff exec exists export init inspect kill list logs mount pause port prune ps rename restart rm run start stop top unmount unpause wait help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from attach" -l detach-keys -d 'Key sequence for detaching from the container [default: ctrl-p,ctrl-q]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from attach" -s l -l latest -d 'Act on the latest container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from attach" -l no-stdin -d 'Do not attach stdin'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from attach" -l sig-proxy -d 'Pass received signals to the process'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from attach" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from cleanup" -l exec -d 'Clean up a session of exec' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from cleanup" -s a -l all -d 'Clean up all containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from cleanup" -s l -l latest -d 'Act on the latest container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from cleanup" -l rm -d 'Remove the container afterwards'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from cleanup" -l rmi -d 'Remove the container\'s image afterwards'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from cleanup" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l blkio-weight -d 'Weight of block IO' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l cpu-period -d 'Period of the CPU scheduler' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l cpu-quota -d 'Quota of the CPU scheduler' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l cpu-rt-period -d 'Period of the real-time scheduler' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l cpu-rt-runtime -d 'Runtime of the real-time scheduler' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -s c -l cpu-shares -d 'Relative weight of CPU time' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l cpus -d 'Number of CPUs' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l cpuset-cpus -d 'CPUs that may be used' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l cpuset-mems -d 'Memory nodes that may be used' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l device-read-bps -d 'Limit the bytes read from a device' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l device-write-bps -d 'Limit the bytes written to a device' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l memory-swap -d 'Limit of memory and swap together' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l memory-swappiness -d 'How much is swapped' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l name -d 'Name of the new container' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l pod -d 'Join a pod' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l destroy -d 'Remove the original container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -s f -l force -d 'Remove the original container even if it runs (with --destroy)'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l run -d 'Start the new container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from commit" -s a -l author -d 'Author of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from commit" -s c -l change -d 'Set the configuration, as a line of a Containerfile: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME, WORKDIR' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from commit" -l config -d 'Merge the configuration in this file (JSON) into that of the container' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from commit" -s f -l format -d 'Format of manifest and configuration (oci, docker)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from commit" -l iidfile -d 'Write the image\'s ID to this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from commit" -s m -l message -d 'Comment of the image (with --format docker)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from commit" -l include-volumes -d 'Declare the container\'s volumes as volumes of the image'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from commit" -s p -l pause -d 'Pause the container while the image is made'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from commit" -s q -l quiet -d 'Do not show progress'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from commit" -s s -l squash -d 'Make one layer of the whole file system'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from commit" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from cp" -s a -l archive -d 'Give what is copied into a container to its user; without, it keeps its owners'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from cp" -l overwrite -d 'Allow directories to be overwritten with non-directories and vice versa'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from cp" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s a -l attach -d 'Attach to stdin, stdout or stderr' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l entrypoint -d 'Replace the entrypoint of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s e -l env -d 'Set an environment variable (NAME=VALUE, NAME to pass the host\'s, or PREFIX*)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l env-file -d 'Read environment variables from a file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l env-merge -d 'Set a variable from those of the image (PATH=${PATH}:/opt/bin)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l group-add -d 'Add a group to the groups of the user' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l group-entry -d 'Entry of the user\'s group in the container\'s /etc/group (with $GROUPNAME, $GID, $USERLIST)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l hostuser -d 'Add a user of the host to the container\'s /etc/passwd' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l init-path -d 'Path of another init' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l passwd-entry -d 'Entry of the user in the container\'s /etc/passwd (with $USERNAME, $UID, $GID, $NAME, $HOME)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l personality -d 'Set the execution domain (LINUX, LINUX32)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l stop-signal -d 'Signal that stops the container [default: the image\'s, or SIGTERM]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l stop-timeout -d 'Seconds to wait for the container to stop before it is killed [default: 10]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l timeout -d 'Kill the container after this many seconds (0: never)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l tz -d 'Set the time zone (Area/City, or local for the host\'s)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l umask -d 'Set the umask [default: 0022]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l unsetenv -d 'Unset an environment variable of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s u -l user -d 'User and group (USER[:GROUP], names or numbers)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s w -l workdir -d 'Working directory in the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l chrootdirs -d 'Put /etc/hosts and the like into these directories as well' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l device -d 'Give access to a device of the host (HOST[:CONTAINER][:rwm]), or to one by its CDI name (vendor.com/class=name)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l gpus -d 'Give access to GPUs (all, or their numbers)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l image-volume -d 'What becomes of the volumes of the image (anonymous, tmpfs, ignore) [default: anonymous]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l mount -d 'Mount a file system (type=bind,src=/a,dst=/b)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l secret -d 'Give access to a secret (NAME[,type=mount|env][,target=...][,uid=][,gid=][,mode=])' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l shm-size -d 'Size of /dev/shm (with b, k, m or g) [default: 65536000]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l shm-size-systemd -d 'Size of the tmpfs mounts for systemd' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l tmpfs -d 'Mount a tmpfs (/path[:options])' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s v -l volume -d 'Mount a volume, or a directory or file of the host (name:/container[:options], /host:/container[:options])' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l volumes-from -d 'Mount the volumes of another container (CONTAINER[:ro|rw])' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l add-host -d 'Add a line to /etc/hosts (NAME:ADDRESS)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l dns -d 'Set a DNS server' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l dns-option -d 'Set a DNS option' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l dns-search -d 'Set a DNS search domain' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l egress -d 'What the container may reach: names, *.names, addresses and nets, each with an optional :PORT, or none' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l expose -d 'Declare a port without publishing it' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s h -l hostname -d 'Name that the container has for itself [default: its short ID]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l hosts-file -d 'File that /etc/hosts is made from (a path, image or none)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l ip -d 'Set an IPv4 address' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l ip6 -d 'Set an IPv6 address' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l mac-address -d 'Set a MAC address' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l network -d 'Network to connect to (NAME[:ip=,ip6=,mac=,alias=,interface_name=], bridge, none, host, slirp4netns[:options], pasta[:options])' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l network-alias -d 'Add a name in the network' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s p -l publish -d 'Publish a port ([[ADDRESS:]HOST:]CONTAINER[/PROTOCOL])' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l cgroupns -d 'Cgroup namespace (private, host, container:NAME, ns:PATH)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l gidmap -d 'Map group IDs ([+ug]CONTAINER:[@]ID[:AMOUNT])' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l ipc -d 'IPC namespace (shareable, private, none, host, container:NAME, ns:PATH)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l pid -d 'PID namespace (private, host, container:NAME, ns:PATH)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l subgidname -d 'Name in /etc/subgid whose ranges are used' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l subuidname -d 'Name in /etc/subuid whose ranges are used' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l uidmap -d 'Map user IDs ([+ug]CONTAINER:[@]ID[:AMOUNT])' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l userns -d 'User namespace (host, keep-id[:uid=UID,gid=GID,size=SIZE], auto[:size=SIZE], nomap, private, container:NAME, ns:PATH) [default: $PODMAN_USERNS, or host]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l uts -d 'UTS namespace (private, host, container:NAME, ns:PATH)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l cap-add -d 'Add a capability (ALL: every one)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l cap-drop -d 'Drop a capability (ALL: every one)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l seccomp-policy -d 'Where the seccomp profile comes from (default)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l security-opt -d 'Set a security option (no-new-privileges, seccomp=FILE, mask=PATH, ...)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l sysctl -d 'Set a kernel parameter of the container\'s namespaces' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l blkio-weight -d 'Weight of block IO' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l blkio-weight-device -d 'Weight of block IO of a device' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l cgroup-conf -d 'Set a value of the cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l cgroup-parent -d 'Parent of the cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l cgroups -d 'Have a cgroup of the container\'s own (enabled, disabled)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l cpu-period -d 'Period of the CPU scheduler' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l cpu-quota -d 'Quota of the CPU scheduler' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l cpu-rt-period -d 'Period of the real-time scheduler' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l cpu-rt-runtime -d 'Runtime of the real-time scheduler' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s c -l cpu-shares -d 'Relative weight of CPU time' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l cpus -d 'Number of CPUs' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l cpuset-cpus -d 'CPUs that may be used' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l cpuset-mems -d 'Memory nodes that may be used' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l device-cgroup-rule -d 'Add a rule to the list of devices of the cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l device-read-bps -d 'Limit the bytes read from a device' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l device-read-iops -d 'Limit the reads from a device' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l device-write-bps -d 'Limit the bytes written to a device' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l device-write-iops -d 'Limit the writes to a device' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s m -l memory -d 'Limit the memory' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l memory-reservation -d 'Soft limit of the memory' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l memory-swap -d 'Limit memory and swap together' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l memory-swappiness -d 'Tendency to swap' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l oom-score-adj -d 'How likely the container is killed when memory runs out (-1000 to 1000)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l pids-limit -d 'Limit the number of processes' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l rdt-class -d 'Class of cache and memory bandwidth' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l ulimit -d 'Set a limit of the processes (NAME=SOFT[:HARD], or host)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l log-driver -d 'Log driver (k8s-file, json-file, none, passthrough) [default: k8s-file]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l log-opt -d 'Set an option of the log driver (path, max-size, max-file, tag)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l health-cmd -d 'Command that checks the container\'s health' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l health-interval -d 'Time between two checks' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l health-log-destination -d 'Where the results of checks are logged' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l health-max-log-count -d 'How many results are kept' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l health-max-log-size -d 'How long a kept result is' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l health-on-failure -d 'What happens when the container is unhealthy' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l health-retries -d 'How many checks must fail' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l health-start-period -d 'Time in which failed checks do not count' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l health-startup-cmd -d 'Command that checks whether the container has started' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l health-startup-interval -d 'Time between two startup checks' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l health-startup-retries -d 'How many startup checks must fail' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l health-startup-success -d 'How many startup checks must succeed' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l health-startup-timeout -d 'Longest time of a startup check' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l health-timeout -d 'Longest time of a check' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l arch -d 'Architecture of the image, instead of the host\'s' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l authfile -d 'Authentication file, with the logins of registries' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l cert-dir -d 'Directory with certificates for the registry' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l creds -d 'Credentials for the registry, as USERNAME:PASSWORD' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l decryption-key -d 'Key for an encrypted image' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l os -d 'Operating system of the image, instead of the host\'s' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l platform -d 'Platform of the image (OS/ARCH[/VARIANT]), instead of the host\'s' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l pull -d 'When to pull the image (missing, always, never, newer) [default: missing]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l retry -d 'How often a failed pull is tried again' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l retry-delay -d 'Time between two tries to pull' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l variant -d 'Variant of the image\'s architecture' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l annotation -d 'Add an annotation (KEY=VALUE)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l cidfile -d 'Write the ID of the container to a file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l conmon-pidfile -d 'Write the PID of the monitor to a file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s l -l label -d 'Set a label (KEY=VALUE)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l label-file -d 'Read labels from a file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l name -d 'Name the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l pidfile -d 'Write the PID of the container\'s first process to a file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l pod -d 'Run in a pod' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l pod-id-file -d 'Read the ID of the pod from a file' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l requires -d 'Containers that must run first' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l restart -d 'Restart the container when it exits (no, on-failure[:max_retries], always, unless-stopped)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l sdnotify -d 'Who tells systemd that the container is ready (ignore)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l systemd -d 'Run systemd in the container (false)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l init-ctr -d 'Make this an init container of a pod' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l env-host -d 'Pass the whole environment of the host'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l http-proxy -d 'Pass the proxy variables of the host [default: true]'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l init -d 'Run an init as PID 1 that forwards signals and reaps processes'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s i -l interactive -d 'Keep stdin open even when not attached'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s t -l tty -d 'Allocate a terminal'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l unsetenv-all -d 'Unset all default environment variables'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l read-only -d 'Make the root file system read-only'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l read-only-tmpfs -d 'Have writable /run, /tmp and /var/tmp with --read-only [default: true]'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l rootfs -d 'Take the first argument for a directory that is the root (DIRECTORY[:O]), not for an image'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l egress-log -d 'Write down what is refused by --egress'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l no-hostname -d 'Leave /etc/hostname as it is in the image'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l no-hosts -d 'Leave /etc/hosts as it is in the image'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s P -l publish-all -d 'Publish all declared ports on random ports of the host'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l privileged -d 'Give all capabilities and devices that the user has'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l oom-kill-disable -d 'Switch off the killer of processes when memory runs out'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l no-healthcheck -d 'Do not take over the health check of the image'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l disable-content-trust -d 'Do not use Docker\'s content trust, which does not exist here [default: true]'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s q -l quiet -d 'Say nothing while pulling'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l tls-verify -d 'Require HTTPS and verify certificates of the registry'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l replace -d 'Remove a container of the same name first'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l rm -d 'Remove the container when it has exited'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from diff" -l format -d 'Print as JSON (`json`)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from diff" -s l -l latest -d 'Act on the latest container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from diff" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -l detach-keys -d 'Key sequence for detaching from the process [default: ctrl-p,ctrl-q]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -s e -l env -d 'Set an environment variable' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -l env-file -d 'Read environment variables from a file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -l preserve-fd -d 'Pass a list of additional descriptors to the process' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -l preserve-fds -d 'Pass this number of additional descriptors to the process, from 3 on' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -s u -l user -d 'User name or UID, and group name or GID, as user[:group]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -s w -l workdir -d 'Working directory inside the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -s d -l detach -d 'Run the process in the background and print its session\'s ID'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -s i -l interactive -d 'Connect stdin to the process'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -s l -l latest -d 'Act on the latest container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -l privileged -d 'Give the process extended Linux capabilities'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -s t -l tty -d 'Allocate a terminal for the process'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exists" -l external -d 'Look for containers of other tools as well; there are none in this store'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exists" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from export" -s o -l output -d 'Write to a file instead of stdout' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from export" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from init" -s a -l all -d 'Initialize all containers that are not running'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from init" -s l -l latest -d 'Act on the latest container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from init" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from inspect" -s f -l format -d 'Print as JSON or by a Go template' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from inspect" -s l -l latest -d 'Act on the latest container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from inspect" -s s -l size -d 'Show the size of the container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from inspect" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from kill" -l cidfile -d 'Read the container ID from the file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from kill" -s s -l signal -d 'Signal to send to the container, by name or number' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from kill" -s a -l all -d 'Signal all running containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from kill" -s l -l latest -d 'Act on the latest container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from kill" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -s f -l filter -d 'Only containers that match, for example status=exited or label=key=value' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -l format -d 'Print as JSON or by a Go template' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -s n -l last -d 'Show this many containers, the last created ones, in any state' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -l sort -d 'Sort by command, created, id, image, names, runningfor, size or status' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -s w -l watch -d 'Print again every so many seconds' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -s a -l all -d 'Show all containers, not only running ones'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -l external -d 'Show containers of other tools in the storage too'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -s l -l latest -d 'Show the latest container, in any state'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -l no-trunc -d 'Do not shorten IDs and commands'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -l noheading -d 'Do not print headings'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -l ns -d 'Show the namespaces of the containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -s p -l pod -d 'Show the pods of the containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print the IDs only'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -s s -l size -d 'Show the sizes of the containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -l sync -d 'Sync the state with the runtime; it always is'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from logs" -l since -d 'Only what was written since this time (a date, Unix seconds, or a duration before now)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from logs" -l tail -d 'Only this many lines from the end; all when negative' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from logs" -l until -d 'Only what was written until this time' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from logs" -l color -d 'Show the output of each container in its own colour'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from logs" -s f -l follow -d 'Go on with what the container writes until it ends'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from logs" -s l -l latest -d 'Act on the latest container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from logs" -s n -l names -d 'Put the name of the container before each line'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from logs" -s t -l timestamps -d 'Put the time before each line'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from logs" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from mount" -l format -d 'Print the mounted containers as JSON (`json`)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from mount" -s a -l all -d 'Mount all containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from mount" -s l -l latest -d 'Act on the latest container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from mount" -l no-trunc -d 'Show whole IDs'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from mount" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from pause" -l cidfile -d 'Read the container ID from the file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from pause" -s f -l filter -d 'Only containers that match, for example name=web or label=key=value' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from pause" -s a -l all -d 'Pause all running containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from pause" -s l -l latest -d 'Act on the latest container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from pause" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from port" -s a -l all -d 'Show the ports of all running containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from port" -s l -l latest -d 'Act on the latest container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from port" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from prune" -l filter -d 'Only containers that match: until=TIME, label=KEY[=VALUE] or label!=KEY[=VALUE]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from prune" -s f -l force -d 'Do not ask'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from prune" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -s f -l filter -d 'Only containers that match, for example status=exited or label=key=value' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -l format -d 'Print as JSON or by a Go template' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -s n -l last -d 'Show this many containers, the last created ones, in any state' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -l sort -d 'Sort by command, created, id, image, names, runningfor, size or status' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -s w -l watch -d 'Print again every so many seconds' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -s a -l all -d 'Show all containers, not only running ones'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -l external -d 'Show containers of other tools in the storage too'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -s l -l latest -d 'Show the latest container, in any state'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -l no-trunc -d 'Do not shorten IDs and commands'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -l noheading -d 'Do not print headings'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -l ns -d 'Show the namespaces of the containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -s p -l pod -d 'Show the pods of the containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -s q -l quiet -d 'Print the IDs only'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -s s -l size -d 'Show the sizes of the containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -l sync -d 'Sync the state with the runtime; it always is'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from rename" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from restart" -l cidfile -d 'Read the container ID from the file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from restart" -s f -l filter -d 'Only containers that match, for example status=exited or label=key=value' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from restart" -s t -l time -d 'Seconds to wait before the container is killed [default: the container\'s own, usually 10]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from restart" -s a -l all -d 'Restart all containers, whatever their state'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from restart" -s l -l latest -d 'Act on the latest container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from restart" -l running -d 'Restart only running containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from restart" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from rm" -l cidfile -d 'Read the container ID from the file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from rm" -l filter -d 'Only containers that match, for example status=exited or label=key=value' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from rm" -s t -l time -d 'Seconds to wait before the container is killed (with --force)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from rm" -s a -l all -d 'Remove all containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from rm" -l depend -d 'Remove the container and all containers that depend on it'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from rm" -s f -l force -d 'Force removal of a running or unusable container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from rm" -s i -l ignore -d 'Ignore errors when a specified container is missing'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from rm" -s l -l latest -d 'Act on the latest container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from rm" -s v -l volumes -d 'Remove anonymous volumes associated with the container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s a -l attach -d 'Attach to stdin, stdout or stderr' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l entrypoint -d 'Replace the entrypoint of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s e -l env -d 'Set an environment variable (NAME=VALUE, NAME to pass the host\'s, or PREFIX*)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l env-file -d 'Read environment variables from a file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l env-merge -d 'Set a variable from those of the image (PATH=${PATH}:/opt/bin)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l group-add -d 'Add a group to the groups of the user' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l group-entry -d 'Entry of the user\'s group in the container\'s /etc/group (with $GROUPNAME, $GID, $USERLIST)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l hostuser -d 'Add a user of the host to the container\'s /etc/passwd' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l init-path -d 'Path of another init' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l passwd-entry -d 'Entry of the user in the container\'s /etc/passwd (with $USERNAME, $UID, $GID, $NAME, $HOME)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l personality -d 'Set the execution domain (LINUX, LINUX32)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l stop-signal -d 'Signal that stops the container [default: the image\'s, or SIGTERM]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l stop-timeout -d 'Seconds to wait for the container to stop before it is killed [default: 10]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l timeout -d 'Kill the container after this many seconds (0: never)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l tz -d 'Set the time zone (Area/City, or local for the host\'s)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l umask -d 'Set the umask [default: 0022]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l unsetenv -d 'Unset an environment variable of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s u -l user -d 'User and group (USER[:GROUP], names or numbers)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s w -l workdir -d 'Working directory in the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l chrootdirs -d 'Put /etc/hosts and the like into these directories as well' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l device -d 'Give access to a device of the host (HOST[:CONTAINER][:rwm]), or to one by its CDI name (vendor.com/class=name)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l gpus -d 'Give access to GPUs (all, or their numbers)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l image-volume -d 'What becomes of the volumes of the image (anonymous, tmpfs, ignore) [default: anonymous]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l mount -d 'Mount a file system (type=bind,src=/a,dst=/b)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l secret -d 'Give access to a secret (NAME[,type=mount|env][,target=...][,uid=][,gid=][,mode=])' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l shm-size -d 'Size of /dev/shm (with b, k, m or g) [default: 65536000]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l shm-size-systemd -d 'Size of the tmpfs mounts for systemd' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l tmpfs -d 'Mount a tmpfs (/path[:options])' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s v -l volume -d 'Mount a volume, or a directory or file of the host (name:/container[:options], /host:/container[:options])' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l volumes-from -d 'Mount the volumes of another container (CONTAINER[:ro|rw])' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l add-host -d 'Add a line to /etc/hosts (NAME:ADDRESS)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l dns -d 'Set a DNS server' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l dns-option -d 'Set a DNS option' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l dns-search -d 'Set a DNS search domain' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l egress -d 'What the container may reach: names, *.names, addresses and nets, each with an optional :PORT, or none' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l expose -d 'Declare a port without publishing it' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s h -l hostname -d 'Name that the container has for itself [default: its short ID]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l hosts-file -d 'File that /etc/hosts is made from (a path, image or none)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l ip -d 'Set an IPv4 address' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l ip6 -d 'Set an IPv6 address' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l mac-address -d 'Set a MAC address' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l network -d 'Network to connect to (NAME[:ip=,ip6=,mac=,alias=,interface_name=], bridge, none, host, slirp4netns[:options], pasta[:options])' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l network-alias -d 'Add a name in the network' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s p -l publish -d 'Publish a port ([[ADDRESS:]HOST:]CONTAINER[/PROTOCOL])' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l cgroupns -d 'Cgroup namespace (private, host, container:NAME, ns:PATH)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l gidmap -d 'Map group IDs ([+ug]CONTAINER:[@]ID[:AMOUNT])' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l ipc -d 'IPC namespace (shareable, private, none, host, container:NAME, ns:PATH)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l pid -d 'PID namespace (private, host, container:NAME, ns:PATH)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l subgidname -d 'Name in /etc/subgid whose ranges are used' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l subuidname -d 'Name in /etc/subuid whose ranges are used' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l uidmap -d 'Map user IDs ([+ug]CONTAINER:[@]ID[:AMOUNT])' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l userns -d 'User namespace (host, keep-id[:uid=UID,gid=GID,size=SIZE], auto[:size=SIZE], nomap, private, container:NAME, ns:PATH) [default: $PODMAN_USERNS, or host]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l uts -d 'UTS namespace (private, host, container:NAME, ns:PATH)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l cap-add -d 'Add a capability (ALL: every one)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l cap-drop -d 'Drop a capability (ALL: every one)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l seccomp-policy -d 'Where the seccomp profile comes from (default)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l security-opt -d 'Set a security option (no-new-privileges, seccomp=FILE, mask=PATH, ...)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l sysctl -d 'Set a kernel parameter of the container\'s namespaces' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l blkio-weight -d 'Weight of block IO' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l blkio-weight-device -d 'Weight of block IO of a device' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l cgroup-conf -d 'Set a value of the cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l cgroup-parent -d 'Parent of the cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l cgroups -d 'Have a cgroup of the container\'s own (enabled, disabled)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l cpu-period -d 'Period of the CPU scheduler' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l cpu-quota -d 'Quota of the CPU scheduler' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l cpu-rt-period -d 'Period of the real-time scheduler' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l cpu-rt-runtime -d 'Runtime of the real-time scheduler' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s c -l cpu-shares -d 'Relative weight of CPU time' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l cpus -d 'Number of CPUs' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l cpuset-cpus -d 'CPUs that may be used' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l cpuset-mems -d 'Memory nodes that may be used' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l device-cgroup-rule -d 'Add a rule to the list of devices of the cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l device-read-bps -d 'Limit the bytes read from a device' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l device-read-iops -d 'Limit the reads from a device' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l device-write-bps -d 'Limit the bytes written to a device' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l device-write-iops -d 'Limit the writes to a device' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s m -l memory -d 'Limit the memory' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l memory-reservation -d 'Soft limit of the memory' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l memory-swap -d 'Limit memory and swap together' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l memory-swappiness -d 'Tendency to swap' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l oom-score-adj -d 'How likely the container is killed when memory runs out (-1000 to 1000)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l pids-limit -d 'Limit the number of processes' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l rdt-class -d 'Class of cache and memory bandwidth' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l ulimit -d 'Set a limit of the processes (NAME=SOFT[:HARD], or host)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l log-driver -d 'Log driver (k8s-file, json-file, none, passthrough) [default: k8s-file]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l log-opt -d 'Set an option of the log driver (path, max-size, max-file, tag)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l health-cmd -d 'Command that checks the container\'s health' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l health-interval -d 'Time between two checks' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l health-log-destination -d 'Where the results of checks are logged' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l health-max-log-count -d 'How many results are kept' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l health-max-log-size -d 'How long a kept result is' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l health-on-failure -d 'What happens when the container is unhealthy' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l health-retries -d 'How many checks must fail' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l health-start-period -d 'Time in which failed checks do not count' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l health-startup-cmd -d 'Command that checks whether the container has started' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l health-startup-interval -d 'Time between two startup checks' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l health-startup-retries -d 'How many startup checks must fail' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l health-startup-success -d 'How many startup checks must succeed' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l health-startup-timeout -d 'Longest time of a startup check' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l health-timeout -d 'Longest time of a check' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l arch -d 'Architecture of the image, instead of the host\'s' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l authfile -d 'Authentication file, with the logins of registries' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l cert-dir -d 'Directory with certificates for the registry' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l creds -d 'Credentials for the registry, as USERNAME:PASSWORD' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l decryption-key -d 'Key for an encrypted image' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l os -d 'Operating system of the image, instead of the host\'s' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l platform -d 'Platform of the image (OS/ARCH[/VARIANT]), instead of the host\'s' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l pull -d 'When to pull the image (missing, always, never, newer) [default: missing]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l retry -d 'How often a failed pull is tried again' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l retry-delay -d 'Time between two tries to pull' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l variant -d 'Variant of the image\'s architecture' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l annotation -d 'Add an annotation (KEY=VALUE)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l cidfile -d 'Write the ID of the container to a file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l conmon-pidfile -d 'Write the PID of the monitor to a file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s l -l label -d 'Set a label (KEY=VALUE)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l label-file -d 'Read labels from a file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l name -d 'Name the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l pidfile -d 'Write the PID of the container\'s first process to a file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l pod -d 'Run in a pod' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l pod-id-file -d 'Read the ID of the pod from a file' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l requires -d 'Containers that must run first' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l restart -d 'Restart the container when it exits (no, on-failure[:max_retries], always, unless-stopped)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l sdnotify -d 'Who tells systemd that the container is ready (ignore)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l systemd -d 'Run systemd in the container (false)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l detach-keys -d 'Keys that detach from the container [default: ctrl-p,ctrl-q]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l preserve-fd -d 'Pass descriptors of these numbers to the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l preserve-fds -d 'Pass this many descriptors to the container, from 3 on' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l env-host -d 'Pass the whole environment of the host'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l http-proxy -d 'Pass the proxy variables of the host [default: true]'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l init -d 'Run an init as PID 1 that forwards signals and reaps processes'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s i -l interactive -d 'Keep stdin open even when not attached'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s t -l tty -d 'Allocate a terminal'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l unsetenv-all -d 'Unset all default environment variables'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l read-only -d 'Make the root file system read-only'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l read-only-tmpfs -d 'Have writable /run, /tmp and /var/tmp with --read-only [default: true]'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l rootfs -d 'Take the first argument for a directory that is the root (DIRECTORY[:O]), not for an image'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l egress-log -d 'Write down what is refused by --egress'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l no-hostname -d 'Leave /etc/hostname as it is in the image'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l no-hosts -d 'Leave /etc/hosts as it is in the image'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s P -l publish-all -d 'Publish all declared ports on random ports of the host'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l privileged -d 'Give all capabilities and devices that the user has'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l oom-kill-disable -d 'Switch off the killer of processes when memory runs out'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l no-healthcheck -d 'Do not take over the health check of the image'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l disable-content-trust -d 'Do not use Docker\'s content trust, which does not exist here [default: true]'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s q -l quiet -d 'Say nothing while pulling'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l tls-verify -d 'Require HTTPS and verify certificates of the registry'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l replace -d 'Remove a container of the same name first'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l rm -d 'Remove the container when it has exited'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s d -l detach -d 'Run in the background and print the ID'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l passwd -d 'Add the user to the container\'s /etc/passwd where it is missing [default: true]'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l rmi -d 'Remove the image too when the container has exited; implies --rm'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l sig-proxy -d 'Pass signals on to the container [default: true, without a terminal]'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from start" -s f -l filter -d 'Only containers that match, for example status=exited or label=key=value' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from start" -l all -d 'Start all containers that are not running'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from start" -s a -l attach -d 'Attach the container\'s stdout and stderr'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from start" -s i -l interactive -d 'Attach the container\'s stdin as well'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from start" -s l -l latest -d 'Act on the latest container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from start" -l sig-proxy -d 'Pass received signals to the process (with --attach, which implies it)'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from start" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from stop" -l cidfile -d 'Read the container ID from the file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from stop" -s f -l filter -d 'Only containers that match, for example status=running or label=key=value' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from stop" -s t -l time -d 'Seconds to wait before the container is killed [default: the container\'s own, usually 10]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from stop" -s a -l all -d 'Stop all running containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from stop" -s i -l ignore -d 'Ignore errors when a specified container is missing'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from stop" -s l -l latest -d 'Act on the latest container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from stop" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from top" -s l -l latest -d 'Act on the latest container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from top" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from unmount" -s a -l all -d 'Unmount all containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from unmount" -s f -l force -d 'Unmount even if something uses a file in it'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from unmount" -s l -l latest -d 'Act on the latest container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from unmount" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from unpause" -l cidfile -d 'Read the container ID from the file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from unpause" -s f -l filter -d 'Only containers that match, for example name=web or label=key=value' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from unpause" -s a -l all -d 'Unpause all paused containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from unpause" -s l -l latest -d 'Act on the latest container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from unpause" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from wait" -l condition -d 'Condition to wait for: created, exited, initialized, paused, removing, running, stopped, stopping' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from wait" -s i -l interval -d 'Time between two looks at the container, where looking is needed (500ms, 2s; a bare number is milliseconds)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from wait" -l ignore -d 'Ignore errors when a specified container is missing'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from wait" -s l -l latest -d 'Act on the latest container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from wait" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "attach" -d 'Attach to a running container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "cleanup" -d 'Clean up what a killed monitor of a container left'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "clone" -d 'Create another container like one that is there'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "commit" -d 'Create an image from what a container has become'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "cp" -d 'Copy files between a container and the host, or between containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "create" -d 'Create but do not start a container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "diff" -d 'Show what a container changed about its image, or about another container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "exec" -d 'Run a process in a running container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "exists" -d 'Say by the exit code whether a container exists'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "export" -d 'Export a container\'s file system as a tar archive'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "init" -d 'Initialize one or more containers without starting them'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "inspect" -d 'Show all that is known of a container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "kill" -d 'Send a signal to one or more running containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "list" -d 'List containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "logs" -d 'Show the logs of one or more containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "mount" -d 'Mount the root file systems of containers, or list those that are mounted'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "pause" -d 'Pause all the processes in one or more containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "port" -d 'List the published ports of a container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "prune" -d 'Remove all containers that do not run'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "ps" -d 'List containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "rename" -d 'Rename a container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "restart" -d 'Restart one or more containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "rm" -d 'Remove one or more containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "run" -d 'Run a command in a new container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "start" -d 'Start one or more containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "stop" -d 'Stop one or more containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "top" -d 'Show the running processes of a container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "unmount" -d 'Unmount the root file systems of containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "unpause" -d 'Unpause the processes in one or more containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "wait" -d 'Block until one or more containers stop, then print their exit codes'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from diff exists history list import inspect load mount prune pull push rm save search scp sign tag tree unmount untag trust help" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from diff exists history list import inspect load mount prune pull push rm save search scp sign tag tree unmount untag trust help" -f -a "diff" -d 'Show what an image changes about the one below it, or about another'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from diff exists history list import inspect load mount prune pull push rm save search scp sign tag tree unmount untag trust help" -f -a "exists" -d 'Say by the exit code whether an image is in local storage'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from diff exists history list import inspect load mount prune pull push rm save search scp sign tag tree unmount untag trust help" -f -a "history" -d 'Show how an image came to be'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from diff exists history list import inspect load mount prune pull push rm save search scp sign tag tree unmount untag trust help" -f -a "list" -d 'List images in local storage'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from diff exists history list import inspect load mount prune pull push rm save search scp sign tag tree unmount untag trust help" -f -a "import" -d 'Import a tar archive as the root file system of an image'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from diff exists history list import inspect load mount prune pull push rm save search scp sign tag tree unmount untag trust help" -f -a "inspect" -d 'Show all that is known of an image'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from diff exists history list import inspect load mount prune pull push rm save search scp sign tag tree unmount untag trust help" -f -a "load" -d 'Load images from an archive'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from diff exists history list import inspect load mount prune pull push rm save search scp sign tag tree unmount untag trust help" -f -a "mount" -d 'Mount images read-only, or list those that are mounted'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from diff exists history list import inspect load mount prune pull push rm save search scp sign tag tree unmount untag trust help" -f -a "prune" -d 'Remove unused images'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from diff exists history list import inspect load mount prune pull push rm save search scp sign tag tree unmount untag trust help" -f -a "pull" -d 'Pull an image from a registry'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from diff exists history list import inspect load mount prune pull push rm save search scp sign tag tree unmount untag trust help" -f -a "push" -d 'Push an image to a registry, a directory or an archive'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from diff exists history list import inspect load mount prune pull push rm save search scp sign tag tree unmount untag trust help" -f -a "rm" -d 'Remove one or more images from local storage'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from diff exists history list import inspect load mount prune pull push rm save search scp sign tag tree unmount untag trust help" -f -a "save" -d 'Save images to an archive or a directory'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from diff exists history list import inspect load mount prune pull push rm save search scp sign tag tree unmount untag trust help" -f -a "search" -d 'Search registries for images'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from diff exists history list import inspect load mount prune pull push rm save search scp sign tag tree unmount untag trust help" -f -a "scp" -d 'Copy an image to another host (not supported)'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from diff exists history list import inspect load mount prune pull push rm save search scp sign tag tree unmount untag trust help" -f -a "sign" -d 'Sign an image in a registry with GPG'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from diff exists history list import inspect load mount prune pull push rm save search scp sign tag tree unmount untag trust help" -f -a "tag" -d 'Add another name to a local image'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from diff exists history list import inspect load mount prune pull push rm save search scp sign tag tree unmount untag trust help" -f -a "tree" -d 'Show the layers of an image as a tree'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from diff exists history list import inspect load mount prune pull push rm save search scp sign tag tree unmount untag trust help" -f -a "unmount" -d 'Unmount images'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from diff exists history list import inspect load mount prune pull push rm save search scp sign tag tree unmount untag trust help" -f -a "untag" -d 'Remove a name from a local image'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from diff exists history list import inspect load mount prune pull push rm save search scp sign tag tree unmount untag trust help" -f -a "trust" -d 'Manage which images are trusted'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from diff exists history list import inspect load mount prune pull push rm save search scp sign tag tree unmount untag trust help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from diff" -l format -d 'Print as JSON (`json`)' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from diff" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from exists" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from history" -l format -d 'Print as JSON or by a Go template' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from history" -s H -l human -d 'Show sizes with units and times in words'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from history" -l no-trunc -d 'Do not shorten anything'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from history" -s q -l quiet -d 'Print the IDs only'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from history" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from list" -s f -l filter -d 'Only images that match, for example dangling=true or reference=busybox' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from list" -l format -d 'Print as JSON or by a Go template' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from list" -l sort -d 'Sort by created, id, repository, size or tag' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from list" -s a -l all -d 'Show all images, with intermediate ones'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from list" -l digests -d 'Show digests'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from list" -l history -d 'Show the earlier names of images'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from list" -l no-trunc -d 'Do not shorten IDs'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from list" -s n -l noheading -d 'Do not print headings'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print the IDs only'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from list" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from import" -l arch -d 'Architecture of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from import" -s c -l change -d 'Set the configuration, as a line of a Containerfile: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME, WORKDIR' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from import" -s m -l message -d 'Comment of the image\'s history' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from import" -l os -d 'Operating system of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from import" -l variant -d 'Variant of the architecture' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from import" -s q -l quiet -d 'Do not show progress'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from import" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from inspect" -s f -l format -d 'Print as JSON or by a Go template' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from inspect" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from load" -s i -l input -d 'Read the archive, or the OCI directory, at this path instead of standard input' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from load" -s q -l quiet -d 'Do not show progress'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from load" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from mount" -l format -d 'Print the mounted images as JSON (`json`)' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from mount" -s a -l all -d 'Mount all images'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from mount" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from prune" -l filter -d 'Only images that match: until=TIME, label=KEY[=VALUE] or label!=KEY[=VALUE]' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from prune" -s a -l all -d 'Remove all images without a container, not only those without a name'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from prune" -l build-cache -d 'Remove the build cache as well; there is none yet'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from prune" -l external -d 'Remove images that only containers of other tools use as well; there are none in this store'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from prune" -s f -l force -d 'Do not ask'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from prune" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -l arch -d 'Pull the image for this architecture instead of that of the machine' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -l cert-dir -d 'Directory with certificates for the registry' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -l creds -d 'Credentials for the registry, as USERNAME:PASSWORD' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -l decryption-key -d 'Key to decrypt the image with' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -l os -d 'Pull the image for this operating system instead of that of the machine' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -l platform -d 'Pull the image for this platform, as OS/ARCH[/VARIANT]' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -l policy -d 'When to pull: always, missing, never or newer' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -l retry -d 'How often to try again after a failure of the network [default: 3]' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -l retry-delay -d 'How long to wait between two tries, for example 2s' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -l variant -d 'Pull the image for this variant of the architecture' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -l authfile -d 'Path of the authentication file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -s a -l all-tags -d 'Pull all tags of the repository'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -l disable-content-trust -d 'Skip verification by Docker\'s content trust, which is not done anyway'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -s q -l quiet -d 'Do not show progress'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -l tls-verify -d 'Demand HTTPS and verify certificates [default: as registries.conf says, else true]'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l cert-dir -d 'Directory with certificates for the registry' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l compression-format -d 'Compression of the layers: gzip or zstd. Layers that are compressed differently are compressed anew' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l compression-level -d 'Compression level: 0 to 9 for gzip, 1 to 22 for zstd [default: 1 for gzip, 3 for zstd]' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l creds -d 'Credentials for the registry, as USERNAME:PASSWORD' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l digestfile -d 'Write the digest of the pushed image to this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l encrypt-layer -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l encryption-key -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -s f -l format -d 'Format of the manifest: oci or v2s2 [default: as it is]' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l retry -d 'How often to try again after a failure of the network [default: 3]' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l retry-delay -d 'How long to wait between two tries, for example 2s' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l sign-by -d 'Name or fingerprint of the GPG key to sign the image with' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l sign-by-sigstore -d 'File of parameters to sign the image with sigstore' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l sign-by-sigstore-private-key -d 'File with the private key to sign the image with sigstore' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l sign-passphrase-file -d 'File with the passphrase of the key to sign with' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l authfile -d 'Path of the authentication file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l compress -d 'Compress layers when the destination is a `dir:` directory'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l disable-content-trust -d 'Skip signing by Docker\'s content trust, which is not done anyway'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l force-compression -d 'Compress all layers anew, also those that have the format already'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -s q -l quiet -d 'Do not show progress'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l remove-signatures -d 'Do not copy signatures, of which the store has none'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l tls-verify -d 'Demand HTTPS and verify certificates [default: as registries.conf says, else true]'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from rm" -s a -l all -d 'Remove all images'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from rm" -s f -l force -d 'Remove the containers that use the image as well'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from rm" -s i -l ignore -d 'Ignore errors when a specified image is missing'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from rm" -l no-prune -d 'Keep images without a name from which the image was made'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from save" -l format -d 'What to write: docker-archive, oci-archive, oci-dir or docker-dir' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from save" -s o -l output -d 'Write to this file or directory instead of stdout' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from save" -l compress -d 'Compress the layers in a directory of the format docker-dir'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from save" -s m -l multi-image-archive -d 'Save several images; otherwise, what follows the first are more names for it'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from save" -s q -l quiet -d 'Do not show progress'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from save" -l uncompressed -d 'Leave layers without compression as they are in the OCI formats'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from save" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from search" -l cert-dir -d 'Directory with certificates for the registry' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from search" -l creds -d 'Credentials for the registry, as USERNAME:PASSWORD' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from search" -s f -l filter -d 'Only images that match: stars=NUMBER, is-official, is-automated' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from search" -l format -d 'Print as JSON or by a Go template' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from search" -l limit -d 'At most this many results of each registry [default: 25]' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from search" -l authfile -d 'Path of the authentication file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from search" -l compatible -d 'Show the columns that Docker shows, with stars'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from search" -l list-tags -d 'List the tags of a repository'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from search" -l no-trunc -d 'Do not shorten descriptions'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from search" -l tls-verify -d 'Demand HTTPS and verify certificates [default: as registries.conf says, else true]'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from search" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from scp" -s q -l quiet -d 'Say nothing'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from scp" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from sign" -l authfile -d 'Path of the authentication file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from sign" -l cert-dir -d 'Directory with certificates for the registry' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from sign" -s d -l directory -d 'Directory to put signatures into, instead of the one that registries.d names' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from sign" -l sign-by -d 'Name or fingerprint of the GPG key to sign with' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from sign" -s a -l all -d 'Sign the images for all platforms and the list of them'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from sign" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from tag" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from tree" -l whatrequires -d 'Show the layers of other images that stand on this one'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from tree" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from unmount" -s a -l all -d 'Unmount all images'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from unmount" -s f -l force -d 'Unmount even if something uses a file in it'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from unmount" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from untag" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from trust" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from trust" -f -a "set" -d 'Set which images of a registry are trusted'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from trust" -f -a "show" -d 'Show which images are trusted'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from trust" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "diff" -d 'Show what an image changes about the one below it, or about another'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "exists" -d 'Say by the exit code whether an image is in local storage'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "history" -d 'Show how an image came to be'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "list" -d 'List images in local storage'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "import" -d 'Import a tar archive as the root file system of an image'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "inspect" -d 'Show all that is known of an image'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "load" -d 'Load images from an archive'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "mount" -d 'Mount images read-only, or list those that are mounted'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "prune" -d 'Remove unused images'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "pull" -d 'Pull an image from a registry'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "push" -d 'Push an image to a registry, a directory or an archive'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "rm" -d 'Remove one or more images from local storage'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "save" -d 'Save images to an archive or a directory'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "search" -d 'Search registries for images'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "scp" -d 'Copy an image to another host (not supported)'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "sign" -d 'Sign an image in a registry with GPG'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "tag" -d 'Add another name to a local image'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "tree" -d 'Show the layers of an image as a tree'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "unmount" -d 'Unmount images'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "untag" -d 'Remove a name from a local image'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "trust" -d 'Manage which images are trusted'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and not __fish_seen_subcommand_from add annotate create exists inspect push remove rm help" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and not __fish_seen_subcommand_from add annotate create exists inspect push remove rm help" -f -a "add" -d 'Add images or artifacts to a manifest list'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and not __fish_seen_subcommand_from add annotate create exists inspect push remove rm help" -f -a "annotate" -d 'Change what a manifest list says of an instance, or of itself'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and not __fish_seen_subcommand_from add annotate create exists inspect push remove rm help" -f -a "create" -d 'Create a manifest list'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and not __fish_seen_subcommand_from add annotate create exists inspect push remove rm help" -f -a "exists" -d 'Check whether a manifest list is in local storage'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and not __fish_seen_subcommand_from add annotate create exists inspect push remove rm help" -f -a "inspect" -d 'Show a manifest list of local storage or of a registry'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and not __fish_seen_subcommand_from add annotate create exists inspect push remove rm help" -f -a "push" -d 'Push a manifest list and its instances'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and not __fish_seen_subcommand_from add annotate create exists inspect push remove rm help" -f -a "remove" -d 'Remove an instance from a manifest list'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and not __fish_seen_subcommand_from add annotate create exists inspect push remove rm help" -f -a "rm" -d 'Remove manifest lists from local storage'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and not __fish_seen_subcommand_from add annotate create exists inspect push remove rm help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l annotation -d 'Annotate the instance in the list, as KEY=VALUE' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l arch -d 'Say this architecture in the list instead of the image\'s; of an image that is a list, choose by it' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l artifact-config -d 'File with the artifact\'s configuration' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l artifact-config-type -d 'Media type of the artifact\'s configuration' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l artifact-layer-type -d 'Media type of the files, instead of what they look like' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l artifact-subject -d 'Image that the artifact is about' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l artifact-type -d 'Type of the artifact' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l cert-dir -d 'Directory with certificates for the registry' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l features -d 'Say these features of the processor in the list' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l os -d 'Say this operating system in the list instead of the image\'s; of an image that is a list, choose by it' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l os-version -d 'Say this version of the operating system in the list' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l variant -d 'Say this variant of the architecture in the list instead of the image\'s' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l authfile -d 'Path of the authentication file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l all -d 'Add all instances of an image that is itself a list'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l artifact -d 'Make an artifact of the arguments, which are files'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l artifact-exclude-titles -d 'Leave the names of the files out of the artifact'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l tls-verify -d 'Demand HTTPS and verify certificates [default: as registries.conf says, else true]'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from annotate" -l annotation -d 'Add an annotation, as KEY=VALUE' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from annotate" -l arch -d 'Change the architecture of the instance' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from annotate" -l features -d 'Change the features of the processor that the instance needs' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from annotate" -l os -d 'Change the operating system of the instance' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from annotate" -l os-features -d 'Change the features of the operating system that the instance needs' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from annotate" -l os-version -d 'Change the version of the operating system of the instance' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from annotate" -l subject -d 'Set the image that the list is about; needs --index' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from annotate" -l variant -d 'Change the variant of the architecture of the instance' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from annotate" -l index -d 'Annotate the list itself instead of an instance'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from annotate" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from create" -l annotation -d 'Add an annotation to the list, as KEY=VALUE' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from create" -l all -d 'Add all instances of an image that is itself a list'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from create" -s a -l amend -d 'Change the list if there is one of this name'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from create" -l tls-verify -d 'Demand HTTPS and verify certificates [default: as registries.conf says, else true]'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from create" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from exists" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from inspect" -l authfile -d 'Path of the authentication file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from inspect" -l tls-verify -d 'Demand HTTPS and verify certificates [default: as registries.conf says, else true]'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from inspect" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l add-compression -d 'Add instances with this compression (gzip or zstd) for platforms that have none' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l cert-dir -d 'Directory with certificates for the registry' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l compression-format -d 'Compression of the layers: gzip or zstd. Layers that are compressed differently are compressed anew' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l compression-level -d 'Compression level: 0 to 9 for gzip, 1 to 22 for zstd [default: 1 for gzip, 3 for zstd]' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l digestfile -d 'Write the digest of the pushed list to this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -s f -l format -d 'Format of the list and its instances: oci or v2s2 [default: oci, and instances as they are]' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l sign-by -d 'Name or fingerprint of the GPG key to sign the list and its instances with' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l sign-by-sigstore -d 'File of parameters to sign the list and its instances with sigstore' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l sign-by-sigstore-private-key -d 'File with the private key to sign the list and its instances with sigstore' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l sign-passphrase-file -d 'File with the passphrase of the key to sign with' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l authfile -d 'Path of the authentication file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l all -d 'Push the instances as well as the list'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l force-compression -d 'Compress all layers anew, also those that have the format already'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -s q -l quiet -d 'Do not show progress'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l remove-signatures -d 'Do not copy signatures, of which the store has none'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l rm -d 'Remove the list from local storage when it is pushed'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l tls-verify -d 'Demand HTTPS and verify certificates [default: as registries.conf says, else true]'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from rm" -s i -l ignore -d 'Ignore errors when a specified list is missing'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from help" -f -a "add" -d 'Add images or artifacts to a manifest list'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from help" -f -a "annotate" -d 'Change what a manifest list says of an instance, or of itself'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from help" -f -a "create" -d 'Create a manifest list'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from help" -f -a "exists" -d 'Check whether a manifest list is in local storage'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from help" -f -a "inspect" -d 'Show a manifest list of local storage or of a registry'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from help" -f -a "push" -d 'Push a manifest list and its instances'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from help" -f -a "remove" -d 'Remove an instance from a manifest list'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from help" -f -a "rm" -d 'Remove manifest lists from local storage'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand network; and not __fish_seen_subcommand_from connect create disconnect exists inspect ls prune reload rm update help" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand network; and not __fish_seen_subcommand_from connect create disconnect exists inspect ls prune reload rm update help" -f -a "connect" -d 'Connect a container to a network'
complete -c coracle -n "__fish_coracle_using_subcommand network; and not __fish_seen_subcommand_from connect create disconnect exists inspect ls prune reload rm update help" -f -a "create" -d 'Create a network'
complete -c coracle -n "__fish_coracle_using_subcommand network; and not __fish_seen_subcommand_from connect create disconnect exists inspect ls prune reload rm update help" -f -a "disconnect" -d 'Disconnect a container from a network'
complete -c coracle -n "__fish_coracle_using_subcommand network; and not __fish_seen_subcommand_from connect create disconnect exists inspect ls prune reload rm update help" -f -a "exists" -d 'Say by the exit code whether a network exists'
complete -c coracle -n "__fish_coracle_using_subcommand network; and not __fish_seen_subcommand_from connect create disconnect exists inspect ls prune reload rm update help" -f -a "inspect" -d 'Show all that is known of a network'
complete -c coracle -n "__fish_coracle_using_subcommand network; and not __fish_seen_subcommand_from connect create disconnect exists inspect ls prune reload rm update help" -f -a "ls" -d 'List networks'
complete -c coracle -n "__fish_coracle_using_subcommand network; and not __fish_seen_subcommand_from connect create disconnect exists inspect ls prune reload rm update help" -f -a "prune" -d 'Remove networks that no container uses'
complete -c coracle -n "__fish_coracle_using_subcommand network; and not __fish_seen_subcommand_from connect create disconnect exists inspect ls prune reload rm update help" -f -a "reload" -d 'Connect running containers to their networks anew'
complete -c coracle -n "__fish_coracle_using_subcommand network; and not __fish_seen_subcommand_from connect create disconnect exists inspect ls prune reload rm update help" -f -a "rm" -d 'Remove one or more networks'
complete -c coracle -n "__fish_coracle_using_subcommand network; and not __fish_seen_subcommand_from connect create disconnect exists inspect ls prune reload rm update help" -f -a "update" -d 'Change the resolvers of a network'
complete -c coracle -n "__fish_coracle_using_subcommand network; and not __fish_seen_subcommand_from connect create disconnect exists inspect ls prune reload rm update help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from connect" -l alias -d 'Name in the network, besides the container\'s own' -r
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from connect" -l ip -d 'Set an IPv4 address' -r
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from connect" -l ip6 -d 'Set an IPv6 address' -r
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from connect" -l mac-address -d 'Set a MAC address' -r
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from connect" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from create" -l dns -d 'Resolver that is asked instead of the host\'s' -r
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from create" -s d -l driver -d 'Driver of the network: bridge' -r
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from create" -l egress -d 'What containers of the network may reach: names, *.names, addresses and nets, each with an optional :PORT, or none' -r
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from create" -l gateway -d 'Address of the bridge in the subnet of the same place' -r
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from create" -l interface-name -d 'Name of the bridge' -r
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from create" -l ip-range -d 'Addresses for containers in the subnet of the same place (CIDR or FIRST-LAST)' -r
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from create" -l ipam-driver -d 'Who gives addresses: host-local, or none' -r
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from create" -l label -d 'Set a label (KEY=VALUE)' -r
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from create" -s o -l opt -d 'Set an option (mtu, metric, isolate, no_default_route)' -r
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from create" -l route -d 'Route for containers (DESTINATION,GATEWAY[,METRIC])' -r
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from create" -l subnet -d 'Subnet in CIDR notation' -r
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from create" -l disable-dns -d 'Names of containers do not resolve on it'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from create" -l egress-log -d 'Write down what is refused by --egress'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from create" -l ignore -d 'Do not fail when there is a network of this name'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from create" -l internal -d 'Nothing outside of it can be reached'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from create" -l ipv6 -d 'Both IPv4 and IPv6'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from create" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from disconnect" -s f -l force -d 'Also from a network that is not there any more'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from disconnect" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from exists" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from inspect" -s f -l format -d 'Print as JSON or by a Go template' -r
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from inspect" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from ls" -s f -l filter -d 'Only networks that match, for example name=web or label=KEY=VALUE' -r
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from ls" -l format -d 'Print as JSON or by a Go template' -r
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from ls" -l no-trunc -d 'Print IDs in full'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from ls" -s n -l noheading -d 'Do not print headings'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from ls" -s q -l quiet -d 'Print the names only'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from prune" -l filter -d 'Only networks that match, for example until=24h or label!=KEY' -r
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from prune" -s f -l force -d 'Do not ask'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from prune" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from reload" -s a -l all -d 'All running containers with bridge networks'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from reload" -s l -l latest -d 'Act on the latest container'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from reload" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from rm" -s t -l time -d 'Seconds to wait before a container is killed (with --force)' -r
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from rm" -s f -l force -d 'Remove the containers on a network as well, and do not mind a missing one'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from update" -l dns-add -d 'Resolver to add' -r
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from update" -l dns-drop -d 'Resolver to drop' -r
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from update" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from help" -f -a "connect" -d 'Connect a container to a network'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from help" -f -a "create" -d 'Create a network'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from help" -f -a "disconnect" -d 'Disconnect a container from a network'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from help" -f -a "exists" -d 'Say by the exit code whether a network exists'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from help" -f -a "inspect" -d 'Show all that is known of a network'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from help" -f -a "ls" -d 'List networks'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from help" -f -a "prune" -d 'Remove networks that no container uses'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from help" -f -a "reload" -d 'Connect running containers to their networks anew'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from help" -f -a "rm" -d 'Remove one or more networks'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from help" -f -a "update" -d 'Change the resolvers of a network'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and not __fish_seen_subcommand_from create exists inspect ls rm help" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and not __fish_seen_subcommand_from create exists inspect ls rm help" -f -a "create" -d 'Create a secret from a file, stdin or the environment'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and not __fish_seen_subcommand_from create exists inspect ls rm help" -f -a "exists" -d 'Check whether a secret is there'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and not __fish_seen_subcommand_from create exists inspect ls rm help" -f -a "inspect" -d 'Show all that is known of secrets'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and not __fish_seen_subcommand_from create exists inspect ls rm help" -f -a "ls" -d 'List secrets'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and not __fish_seen_subcommand_from create exists inspect ls rm help" -f -a "rm" -d 'Remove secrets'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and not __fish_seen_subcommand_from create exists inspect ls rm help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from create" -s d -l driver -d 'Where the value is kept: file, pass or shell [default: file]' -r
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from create" -l driver-opts -d 'Set an option of the driver (KEY=VALUE)' -r
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from create" -s l -l label -d 'Set a label (KEY=VALUE)' -r
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from create" -l env -d 'Take the value from an environment variable, whose name is given instead of a file'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from create" -l replace -d 'Give a secret that is there already a new value'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from create" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from exists" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from inspect" -s f -l format -d 'Print as JSON or by a Go template' -r
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from inspect" -l pretty -d 'Print in a form for people'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from inspect" -l showsecret -d 'Show the value too'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from inspect" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from ls" -s f -l filter -d 'Only secrets that match (name=REGEX or id=ID)' -r
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from ls" -l format -d 'Print as JSON or by a Go template' -r
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from ls" -s n -l noheading -d 'Do not print column headings'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from ls" -s q -l quiet -d 'Print IDs only'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from rm" -s a -l all -d 'Remove all secrets'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from rm" -s i -l ignore -d 'Ignore secrets that are not there'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from help" -f -a "create" -d 'Create a secret from a file, stdin or the environment'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from help" -f -a "exists" -d 'Check whether a secret is there'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from help" -f -a "inspect" -d 'Show all that is known of secrets'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from help" -f -a "ls" -d 'List secrets'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from help" -f -a "rm" -d 'Remove secrets'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and not __fish_seen_subcommand_from clone create exists export import inspect ls mount prune reload rm snapshot unmount help" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and not __fish_seen_subcommand_from clone create exists export import inspect ls mount prune reload rm snapshot unmount help" -f -a "clone" -d 'Make a volume with the files, labels and options of another'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and not __fish_seen_subcommand_from clone create exists export import inspect ls mount prune reload rm snapshot unmount help" -f -a "create" -d 'Create a volume'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and not __fish_seen_subcommand_from clone create exists export import inspect ls mount prune reload rm snapshot unmount help" -f -a "exists" -d 'Say by the exit code whether a volume exists'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and not __fish_seen_subcommand_from clone create exists export import inspect ls mount prune reload rm snapshot unmount help" -f -a "export" -d 'Export the files of a volume as a tar archive'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and not __fish_seen_subcommand_from clone create exists export import inspect ls mount prune reload rm snapshot unmount help" -f -a "import" -d 'Import a tar archive into a volume'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and not __fish_seen_subcommand_from clone create exists export import inspect ls mount prune reload rm snapshot unmount help" -f -a "inspect" -d 'Show all that is known of a volume'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and not __fish_seen_subcommand_from clone create exists export import inspect ls mount prune reload rm snapshot unmount help" -f -a "ls" -d 'List volumes'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and not __fish_seen_subcommand_from clone create exists export import inspect ls mount prune reload rm snapshot unmount help" -f -a "mount" -d 'Mount a volume, within `coracle unshare`'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and not __fish_seen_subcommand_from clone create exists export import inspect ls mount prune reload rm snapshot unmount help" -f -a "prune" -d 'Remove volumes that no container uses'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and not __fish_seen_subcommand_from clone create exists export import inspect ls mount prune reload rm snapshot unmount help" -f -a "reload" -d 'Reload volumes of plugins (there are none)'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and not __fish_seen_subcommand_from clone create exists export import inspect ls mount prune reload rm snapshot unmount help" -f -a "rm" -d 'Remove one or more volumes'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and not __fish_seen_subcommand_from clone create exists export import inspect ls mount prune reload rm snapshot unmount help" -f -a "snapshot" -d 'Make a volume of what is in another at this moment'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and not __fish_seen_subcommand_from clone create exists export import inspect ls mount prune reload rm snapshot unmount help" -f -a "unmount" -d 'Unmount a volume'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and not __fish_seen_subcommand_from clone create exists export import inspect ls mount prune reload rm snapshot unmount help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from clone" -s l -l label -d 'Set a label (KEY=VALUE), besides those of the original' -r
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from clone" -l pause -d 'Let containers that write to the volume stand still meanwhile, so that the copy is of one moment (crash-consistent: as a disk is after a power cut); without it, every file is as it was when it was copied [default: true]'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from clone" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from create" -s d -l driver -d 'Driver of the volume: there is only local' -r
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from create" -s l -l label -d 'Set a label (KEY=VALUE)' -r
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from create" -s o -l opt -d 'Set an option of the driver (type=tmpfs, device=/a/b, o=bind,uid=1000, copy, nocopy)' -r
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from create" -l ignore -d 'Do not fail when there is a volume of this name'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from create" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from exists" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from export" -s o -l output -d 'Write to a file instead of stdout' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from export" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from import" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from inspect" -s f -l format -d 'Print as JSON or by a Go template' -r
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from inspect" -s a -l all -d 'Inspect all volumes'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from inspect" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from ls" -s f -l filter -d 'Only volumes that match, for example dangling=true or label=KEY=VALUE' -r
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from ls" -l format -d 'Print as JSON or by a Go template' -r
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from ls" -s n -l noheading -d 'Do not print headings'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from ls" -s q -l quiet -d 'Print the names only'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from mount" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from prune" -l filter -d 'Only volumes that match, for example until=24h or label!=KEY' -r
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from prune" -s f -l force -d 'Do not ask'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from prune" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from reload" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from rm" -s t -l time -d 'Seconds to wait before a container is killed (with --force)' -r
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from rm" -s a -l all -d 'Remove all volumes'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from rm" -s f -l force -d 'Remove the containers that use a volume as well, and do not mind a missing one'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from snapshot" -s l -l label -d 'Set a label (KEY=VALUE), besides those of the original and io.coracle.snapshot.of and .time' -r
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from snapshot" -l pause -d 'Let containers that write to the volume stand still meanwhile, so that the snapshot is of one moment (crash-consistent: as a disk is after a power cut); without it, every file is as it was when it was copied [default: true]'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from snapshot" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from unmount" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from help" -f -a "clone" -d 'Make a volume with the files, labels and options of another'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from help" -f -a "create" -d 'Create a volume'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from help" -f -a "exists" -d 'Say by the exit code whether a volume exists'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from help" -f -a "export" -d 'Export the files of a volume as a tar archive'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from help" -f -a "import" -d 'Import a tar archive into a volume'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from help" -f -a "inspect" -d 'Show all that is known of a volume'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from help" -f -a "ls" -d 'List volumes'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from help" -f -a "mount" -d 'Mount a volume, within `coracle unshare`'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from help" -f -a "prune" -d 'Remove volumes that no container uses'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from help" -f -a "reload" -d 'Reload volumes of plugins (there are none)'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from help" -f -a "rm" -d 'Remove one or more volumes'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from help" -f -a "snapshot" -d 'Make a volume of what is in another at this moment'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from help" -f -a "unmount" -d 'Unmount a volume'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand system; and not __fish_seen_subcommand_from check df info prune reset help" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand system; and not __fish_seen_subcommand_from check df info prune reset help" -f -a "check" -d 'Check the storage for damage, and repair it'
complete -c coracle -n "__fish_coracle_using_subcommand system; and not __fish_seen_subcommand_from check df info prune reset help" -f -a "df" -d 'Show how much room images and containers take'
complete -c coracle -n "__fish_coracle_using_subcommand system; and not __fish_seen_subcommand_from check df info prune reset help" -f -a "info" -d 'Show information about the engine and the machine'
complete -c coracle -n "__fish_coracle_using_subcommand system; and not __fish_seen_subcommand_from check df info prune reset help" -f -a "prune" -d 'Remove what nobody uses'
complete -c coracle -n "__fish_coracle_using_subcommand system; and not __fish_seen_subcommand_from check df info prune reset help" -f -a "reset" -d 'Remove all containers and images, and everything else of coracle\'s'
complete -c coracle -n "__fish_coracle_using_subcommand system; and not __fish_seen_subcommand_from check df info prune reset help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from check" -s m -l max -d 'How old data must be that no image needs to count as damage [default: 24h]' -r
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from check" -s f -l force -d 'With --repair: also take images off the list that cannot be read or fetched again'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from check" -s q -l quick -d 'Only what is quickly done: do not read the contents of layers'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from check" -s r -l repair -d 'Repair what is damaged: fetch blobs and unpack layers again'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from check" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from df" -l format -d 'Print as JSON or by a Go template' -r
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from df" -s v -l verbose -d 'Show every image, container and volume'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from df" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from info" -s f -l format -d 'Print as JSON or by a Go template' -r
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from info" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from prune" -l filter -d 'Only what matches: until=TIME, label=KEY[=VALUE] or label!=KEY[=VALUE]' -r
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from prune" -s a -l all -d 'Remove all images without a container, not only those without a name'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from prune" -l build -d 'Remove containers of builds as well; there are none yet'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from prune" -l external -d 'Remove only what other tools left in the store'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from prune" -s f -l force -d 'Do not ask'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from prune" -l volumes -d 'Remove volumes without a container as well'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from prune" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from reset" -s f -l force -d 'Do not ask'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from reset" -s h -l help -d 'Print this help'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from help" -f -a "check" -d 'Check the storage for damage, and repair it'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from help" -f -a "df" -d 'Show how much room images and containers take'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from help" -f -a "info" -d 'Show information about the engine and the machine'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from help" -f -a "prune" -d 'Remove what nobody uses'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from help" -f -a "reset" -d 'Remove all containers and images, and everything else of coracle\'s'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "attach" -d 'Attach to a running container'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "commit" -d 'Create an image from what a container has become'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "cp" -d 'Copy files between a container and the host, or between containers'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "create" -d 'Create but do not start a container'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "exec" -d 'Run a process in a running container'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "export" -d 'Export a container\'s file system as a tar archive'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "init" -d 'Initialize one or more containers without starting them'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "kill" -d 'Send a signal to one or more running containers'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "logs" -d 'Show the logs of one or more containers'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "mount" -d 'Mount the root file systems of containers, or list those that are mounted'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "pause" -d 'Pause all the processes in one or more containers'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "port" -d 'List the published ports of a container'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "ps" -d 'List containers'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "rename" -d 'Rename a container'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "restart" -d 'Restart one or more containers'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "rm" -d 'Remove one or more containers'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "run" -d 'Run a command in a new container'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "start" -d 'Start one or more containers'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "stop" -d 'Stop one or more containers'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "top" -d 'Show the running processes of a container'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "unmount" -d 'Unmount the root file systems of containers'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "unpause" -d 'Unpause the processes in one or more containers'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "wait" -d 'Block until one or more containers stop, then print their exit codes'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "history" -d 'Show how an image came to be'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "images" -d 'List images in local storage'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "import" -d 'Import a tar archive as the root file system of an image'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "load" -d 'Load images from an archive'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "pull" -d 'Pull an image from a registry'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "push" -d 'Push an image to a registry, a directory or an archive'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "rmi" -d 'Remove one or more images from local storage'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "save" -d 'Save images to an archive or a directory'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "search" -d 'Search registries for images'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "tag" -d 'Add another name to a local image'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "untag" -d 'Remove a name from a local image'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "diff" -d 'Show what a container or image changes about what it was made from'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "info" -d 'Show information about the engine and the machine'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "inspect" -d 'Show all that is known of an object'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "login" -d 'Log in to a registry'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "logout" -d 'Log out of a registry'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "unshare" -d 'Run a command in the user namespace of the containers'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "version" -d 'Show the version of coracle'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "container" -d 'Manage containers'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "image" -d 'Manage images'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "manifest" -d 'Manage manifest lists, images for several platforms'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "network" -d 'Manage networks'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "secret" -d 'Manage secrets, values that are in no image'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "volume" -d 'Manage volumes'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "system" -d 'Manage coracle'
complete -c coracle -n "__fish_coracle_using_subcommand help; and not __fish_seen_subcommand_from attach commit cp create exec export init kill logs mount pause port ps rename restart rm run start stop top unmount unpause wait history images import load pull push rmi save search tag untag diff info inspect login logout unshare version container image manifest network secret volume system help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from container" -f -a "attach" -d 'Attach to a running container'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from container" -f -a "cleanup" -d 'Clean up what a killed monitor of a container left'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from container" -f -a "clone" -d 'Create another container like one that is there'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from container" -f -a "commit" -d 'Create an image from what a container has become'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from container" -f -a "cp" -d 'Copy files between a container and the host, or between containers'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from container" -f -a "create" -d 'Create but do not start a container'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from container" -f -a "diff" -d 'Show what a container changed about its image, or about another container'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from container" -f -a "exec" -d 'Run a process in a running container'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from container" -f -a "exists" -d 'Say by the exit code whether a container exists'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from container" -f -a "export" -d 'Export a container\'s file system as a tar archive'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from container" -f -a "init" -d 'Initialize one or more containers without starting them'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from container" -f -a "inspect" -d 'Show all that is known of a container'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from container" -f -a "kill" -d 'Send a signal to one or more running containers'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from container" -f -a "list" -d 'List containers'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from container" -f -a "logs" -d 'Show the logs of one or more containers'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from container" -f -a "mount" -d 'Mount the root file systems of containers, or list those that are mounted'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from container" -f -a "pause" -d 'Pause all the processes in one or more containers'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from container" -f -a "port" -d 'List the published ports of a container'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from container" -f -a "prune" -d 'Remove all containers that do not run'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from container" -f -a "ps" -d 'List containers'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from container" -f -a "rename" -d 'Rename a container'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from container" -f -a "restart" -d 'Restart one or more containers'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from container" -f -a "rm" -d 'Remove one or more containers'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from container" -f -a "run" -d 'Run a command in a new container'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from container" -f -a "start" -d 'Start one or more containers'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from container" -f -a "stop" -d 'Stop one or more containers'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from container" -f -a "top" -d 'Show the running processes of a container'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from container" -f -a "unmount" -d 'Unmount the root file systems of containers'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from container" -f -a "unpause" -d 'Unpause the processes in one or more containers'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from container" -f -a "wait" -d 'Block until one or more containers stop, then print their exit codes'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from image" -f -a "diff" -d 'Show what an image changes about the one below it, or about another'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from image" -f -a "exists" -d 'Say by the exit code whether an image is in local storage'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from image" -f -a "history" -d 'Show how an image came to be'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from image" -f -a "list" -d 'List images in local storage'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from image" -f -a "import" -d 'Import a tar archive as the root file system of an image'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from image" -f -a "inspect" -d 'Show all that is known of an image'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from image" -f -a "load" -d 'Load images from an archive'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from image" -f -a "mount" -d 'Mount images read-only, or list those that are mounted'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from image" -f -a "prune" -d 'Remove unused images'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from image" -f -a "pull" -d 'Pull an image from a registry'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from image" -f -a "push" -d 'Push an image to a registry, a directory or an archive'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from image" -f -a "rm" -d 'Remove one or more images from local storage'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from image" -f -a "save" -d 'Save images to an archive or a directory'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from image" -f -a "search" -d 'Search registries for images'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from image" -f -a "scp" -d 'Copy an image to another host (not supported)'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from image" -f -a "sign" -d 'Sign an image in a registry with GPG'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from image" -f -a "tag" -d 'Add another name to a local image'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from image" -f -a "tree" -d 'Show the layers of an image as a tree'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from image" -f -a "unmount" -d 'Unmount images'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from image" -f -a "untag" -d 'Remove a name from a local image'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from image" -f -a "trust" -d 'Manage which images are trusted'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from manifest" -f -a "add" -d 'Add images or artifacts to a manifest list'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from manifest" -f -a "annotate" -d 'Change what a manifest list says of an instance, or of itself'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from manifest" -f -a "create" -d 'Create a manifest list'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from manifest" -f -a "exists" -d 'Check whether a manifest list is in local storage'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from manifest" -f -a "inspect" -d 'Show a manifest list of local storage or of a registry'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from manifest" -f -a "push" -d 'Push a manifest list and its instances'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from manifest" -f -a "remove" -d 'Remove an instance from a manifest list'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from manifest" -f -a "rm" -d 'Remove manifest lists from local storage'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from network" -f -a "connect" -d 'Connect a container to a network'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from network" -f -a "create" -d 'Create a network'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from network" -f -a "disconnect" -d 'Disconnect a container from a network'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from network" -f -a "exists" -d 'Say by the exit code whether a network exists'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from network" -f -a "inspect" -d 'Show all that is known of a network'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from network" -f -a "ls" -d 'List networks'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from network" -f -a "prune" -d 'Remove networks that no container uses'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from network" -f -a "reload" -d 'Connect running containers to their networks anew'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from network" -f -a "rm" -d 'Remove one or more networks'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from network" -f -a "update" -d 'Change the resolvers of a network'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from secret" -f -a "create" -d 'Create a secret from a file, stdin or the environment'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from secret" -f -a "exists" -d 'Check whether a secret is there'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from secret" -f -a "inspect" -d 'Show all that is known of secrets'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from secret" -f -a "ls" -d 'List secrets'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from secret" -f -a "rm" -d 'Remove secrets'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from volume" -f -a "clone" -d 'Make a volume with the files, labels and options of another'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from volume" -f -a "create" -d 'Create a volume'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from volume" -f -a "exists" -d 'Say by the exit code whether a volume exists'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from volume" -f -a "export" -d 'Export the files of a volume as a tar archive'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from volume" -f -a "import" -d 'Import a tar archive into a volume'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from volume" -f -a "inspect" -d 'Show all that is known of a volume'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from volume" -f -a "ls" -d 'List volumes'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from volume" -f -a "mount" -d 'Mount a volume, within `coracle unshare`'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from volume" -f -a "prune" -d 'Remove volumes that no container uses'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from volume" -f -a "reload" -d 'Reload volumes of plugins (there are none)'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from volume" -f -a "rm" -d 'Remove one or more volumes'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from volume" -f -a "snapshot" -d 'Make a volume of what is in another at this moment'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from volume" -f -a "unmount" -d 'Unmount a volume'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from system" -f -a "check" -d 'Check the storage for damage, and repair it'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from system" -f -a "df" -d 'Show how much room images and containers take'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from system" -f -a "info" -d 'Show information about the engine and the machine'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from system" -f -a "prune" -d 'Remove what nobody uses'
complete -c coracle -n "__fish_coracle_using_subcommand help; and __fish_seen_subcommand_from system" -f -a "reset" -d 'Remove all containers and images, and everything else of coracle\'s'
