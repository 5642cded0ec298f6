//! The record, from what was decided.

use std::collections::BTreeMap;

use super::{Decided, Place};
use crate::container::options::{CreateOptions, Source};
use crate::container::record::Record;
use crate::container::{defaults, ports};
use crate::image::Image;

pub(super) fn build(
    options: &CreateOptions,
    image: Option<&Image>,
    place: &Place,
    decided: &Decided,
    annotations: BTreeMap<String, String>,
    warnings: &mut Vec<String>,
) -> Record {
    let mut record = Record {
        id: place.id.clone(),
        name: place.name.clone(),
        created: place.created,
        driver: place.driver.clone(),
        create_command: place.create_command.clone(),
        command: decided.command.args.clone(),
        entrypoint: decided.command.entrypoint.clone(),
        cmd: decided.command.cmd.clone(),
        env: decided.env.clone(),
        user: decided.user.clone(),
        working_dir: decided.working_dir.display().to_string(),
        hostname: decided.hostname.clone(),
        annotations,
        tty: options.tty,
        open_stdin: options.interactive,
        stop_signal: decided.stop_signal,
        stop_timeout: options.stop_timeout.unwrap_or(defaults::STOP_TIMEOUT),
        timeout: options.timeout,
        umask: format!("{:04o}", options.umask.unwrap_or(defaults::UMASK)),
        timezone: options.timezone.clone().unwrap_or_default(),
        no_passwd: options.no_passwd,
        auto_remove: options.auto_remove,
        auto_remove_image: options.auto_remove_image,
        init: options.init,
        privileged: options.privileged,
        read_only: options.read_only,
        log: options.log.to_record(&place.container_dir),
        restart: options.restart.clone(),
        network: place.network.clone(),
        mounts: decided.filesystems.mount_points.clone(),
        volumes_from: options.volumes_from.iter().map(|(typed, _)| typed.clone()).collect(),
        mounted_images: decided.filesystems.mounted_images.clone(),
        dependencies: place.dependencies.clone(),
        tmpfs: decided.filesystems.tmpfs.clone(),
        devices: options.devices.clone(),
        cdi: options.cdi.clone(),
        effective_caps: decided.caps.effective.clone(),
        bounding_caps: decided.caps.bounding.clone(),
        cap_add: options.cap_add.clone(),
        cap_drop: options.cap_drop.clone(),
        security_opt: options.security.raw.clone(),
        group_add: options.group_add.clone(),
        dns: options.dns.clone(),
        dns_search: options.dns_search.clone(),
        dns_option: options.dns_option.clone(),
        add_host: options.add_host.clone(),
        no_hosts: options.no_hosts.unwrap_or(false),
        hosts_file: options.hosts_file.clone(),
        no_hostname: options.no_hostname,
        ulimits: decided.ulimits.clone(),
        sysctls: options.sysctls.clone(),
        oom_score_adj: decided.oom_score_adj,
        shm_size: options.shm_size.unwrap_or(defaults::SHM_SIZE),
        ipc_mode: options.ipc.to_string(),
        pid_mode: options.pid.to_string(),
        uts_mode: options.uts.to_string(),
        userns_mode: place.userns.mode(),
        id_map: place.userns.map.clone(),
        auto_ids: matches!(options.userns.mode, crate::container::userns::Mode::Auto { .. }),
        auto_userns: match &options.userns.mode {
            crate::container::userns::Mode::Auto { .. } => options.userns.typed.clone(),
            _ => String::new(),
        },
        restricted: options.restricted,
        userns_of: place.userns.of.clone(),
        shift: place.userns.shift.clone().filter(|_| image.is_some()),
        cgroup_mode: options.cgroup.to_string(),
        no_cgroup: options.no_cgroup,
        publish_all: options.publish_all,
        exposed_ports: options.expose.clone(),
        cid_file: options.cid_file.clone(),
        pid_file: options.pid_file.clone(),
        monitor_pid_file: options.monitor_pid_file.clone(),
        ..Default::default()
    };
    if record.restart.name.is_empty() {
        "no".clone_into(&mut record.restart.name);
    }
    if let Source::Rootfs { path, overlay } = &options.source {
        record.rootfs = Some(path.clone());
        record.rootfs_overlay = *overlay;
    }
    if let Some(image) = image {
        from_image(&mut record, options, image, warnings);
    }
    record.labels.extend(options.labels.clone());
    record.exposed_ports.sort();
    record.exposed_ports.dedup();
    record
}

fn from_image(record: &mut Record, options: &CreateOptions, image: &Image, warnings: &mut Vec<String>) {
    record.image_name = match &options.source {
        Source::Image(typed) => image.names.first().cloned().unwrap_or_else(|| typed.clone()),
        Source::Rootfs { .. } => String::new(),
    };
    record.image_id.clone_from(&image.id);
    record.image_digest.clone_from(&image.digest);
    record.layers.clone_from(&image.layers);
    record.labels.clone_from(&image.config.labels);
    if !options.no_healthcheck {
        record.healthcheck.clone_from(&image.config.healthcheck);
    }
    for port in &image.config.exposed_ports {
        match ports::parse_expose(port) {
            Ok(ports) => record.exposed_ports.extend(ports),
            Err(_) => warnings.push(format!("the image exposes `{}`, which is no port", port.escape_debug())),
        }
    }
}
