//! The part `Config`: what was asked for and does not depend on this host.

use serde_json::{Map, Value, json};

use crate::container::Record;
use crate::container::secrets::SecretFile;

pub(super) fn object(record: &Record) -> Value {
    let null_if_empty = |list: &[String]| if list.is_empty() { Value::Null } else { json!(list) };
    let mut object = Map::new();
    let mut put = |key: &str, value: Value| object.insert(key.to_owned(), value);
    put("Hostname", json!(record.hostname));
    put("Domainname", json!(""));
    put("User", json!(record.user));
    put("AttachStdin", json!(false));
    put("AttachStdout", json!(false));
    put("AttachStderr", json!(false));
    put("Tty", json!(record.tty));
    put("OpenStdin", json!(record.open_stdin));
    put("StdinOnce", json!(false));
    put("Env", json!(record.env));
    put("Cmd", null_if_empty(&record.cmd));
    put("Image", json!(record.image_name));
    put("Volumes", Value::Null);
    put("WorkingDir", json!(record.working_dir));
    put("Entrypoint", null_if_empty(record.entrypoint.as_deref().unwrap_or_default()));
    put("OnBuild", Value::Null);
    put("Labels", if record.labels.is_empty() { Value::Null } else { json!(record.labels) });
    put("Annotations", json!(record.annotations));
    put("StopSignal", json!(signal_name(record.stop_signal)));
    if let Some(healthcheck) = &record.healthcheck {
        put("Healthcheck", healthcheck.clone());
    }
    put("HealthcheckOnFailureAction", json!("none"));
    put("HealthLogDestination", json!("local"));
    put("HealthcheckMaxLogCount", json!(5));
    put("HealthcheckMaxLogSize", json!(500));
    put("CreateCommand", json!(record.create_command));
    put("Umask", json!(record.umask));
    if !record.timezone.is_empty() {
        put("Timezone", json!(record.timezone));
    }
    let secret = |file: &SecretFile| json!({"Name": file.name, "ID": file.id, "UID": file.uid, "GID": file.gid, "Mode": file.mode});
    put("Secrets", record.secrets.iter().map(secret).collect());
    put("Timeout", json!(record.timeout));
    put("StopTimeout", json!(record.stop_timeout));
    put("Passwd", json!(!record.no_passwd));
    put("sdNotifyMode", json!("container"));
    put("ExposedPorts", exposed(record));
    Value::Object(object)
}

/// Exposed and published ports.
fn exposed(record: &Record) -> Value {
    let published = record.ports.iter().flat_map(|mapping| {
        (0..mapping.range.max(1))
            .filter_map(|i| Some(format!("{}/{}", mapping.container_port.checked_add(i)?, mapping.protocol)))
    });
    let mut ports: Vec<String> = record.exposed_ports.iter().cloned().chain(published).collect();
    ports.sort();
    ports.dedup();
    Value::Object(ports.into_iter().map(|port| (port, json!({}))).collect())
}

/// `SIGTERM`; real-time signals by their distance from the first.
fn signal_name(number: i32) -> String {
    if let Ok(signal) = nix::sys::signal::Signal::try_from(number) {
        return signal.as_str().to_owned();
    }
    // The kernel's first is 32; the C library keeps two for itself.
    const FIRST_REAL_TIME: i32 = 34;
    match number - FIRST_REAL_TIME {
        0 => "SIGRTMIN".to_owned(),
        n @ 1..=30 => format!("SIGRTMIN+{n}"),
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_have_names() {
        for (number, want) in [(15, "SIGTERM"), (9, "SIGKILL"), (34, "SIGRTMIN"), (37, "SIGRTMIN+3"), (99, "99")] {
            assert_eq!(signal_name(number), want);
        }
    }
}
