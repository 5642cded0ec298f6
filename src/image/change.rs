//! `--change` of import and commit: instructions of a Containerfile that change an image's configuration. Pure.

use serde_json::{Map, Value, json};

use crate::error::{Error, Result};

/// Applies one instruction to the `config` object of an image configuration.
pub fn apply(config: &mut Map<String, Value>, instruction: &str) -> Result<()> {
    let text = instruction.trim();
    // `KEY=VALUE` is an older way of writing `KEY VALUE`.
    let end = text.find([' ', '\t', '=']).unwrap_or(text.len());
    let (keyword, rest) = text.split_at(end);
    let arguments = rest.strip_prefix('=').unwrap_or(rest).trim();
    let invalid = |why: &str| Error::new(format!("invalid change \"{}\": {why}", instruction.escape_debug()));
    if arguments.is_empty() {
        return Err(invalid("it must have the form INSTRUCTION VALUE"));
    }
    match keyword.to_ascii_uppercase().as_str() {
        "CMD" => set(config, "Cmd", json!(command(arguments))),
        "ENTRYPOINT" => set(config, "Entrypoint", json!(command(arguments))),
        "USER" => set(config, "User", json!(arguments)),
        "WORKDIR" => set(config, "WorkingDir", json!(unquote(arguments).map_err(|e| invalid(&e))?)),
        "STOPSIGNAL" => set(config, "StopSignal", json!(arguments)),
        "ENV" => {
            for (key, value) in pairs(arguments).map_err(|e| invalid(&e))? {
                set_env(config, &key, &value);
            }
        }
        "LABEL" => {
            for (key, value) in pairs(arguments).map_err(|e| invalid(&e))? {
                insert(config, "Labels", key, json!(value));
            }
        }
        "EXPOSE" => {
            for port in arguments.split_ascii_whitespace() {
                for port in expand_ports(port).map_err(|e| invalid(&e))? {
                    insert(config, "ExposedPorts", port, json!({}));
                }
            }
        }
        "VOLUME" => {
            for path in list(arguments).map_err(|e| invalid(&e))? {
                insert(config, "Volumes", path, json!({}));
            }
        }
        "ONBUILD" => match config.entry("OnBuild").or_insert_with(|| json!([])) {
            Value::Array(steps) => steps.push(json!(arguments)),
            other => *other = json!([arguments]),
        },
        _ => {
            return Err(invalid(
                "the instruction is not one of CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME, WORKDIR",
            ));
        }
    }
    Ok(())
}

fn set(config: &mut Map<String, Value>, key: &str, value: Value) {
    config.insert(key.to_owned(), value);
}

fn insert(config: &mut Map<String, Value>, section: &str, key: String, value: Value) {
    match config.entry(section).or_insert(Value::Null) {
        Value::Object(map) => {
            map.insert(key, value);
        }
        other => *other = Value::Object(Map::from_iter([(key, value)])),
    }
}

fn set_env(config: &mut Map<String, Value>, key: &str, value: &str) {
    let entry = json!(format!("{key}={value}"));
    let prefix = format!("{key}=");
    let list = config.entry("Env").or_insert_with(|| json!([]));
    let Value::Array(list) = list else {
        *list = json!([entry]);
        return;
    };
    let same = |old: &&mut Value| old.as_str().is_some_and(|old| old.starts_with(&prefix));
    match list.iter_mut().find(same) {
        Some(old) => *old = entry,
        None => list.push(entry),
    }
}

/// The exec form, a JSON array of strings, as it is; anything else is for the shell.
fn command(arguments: &str) -> Vec<String> {
    match json_list(arguments) {
        Some(words) => words,
        None => vec!["/bin/sh".to_owned(), "-c".to_owned(), arguments.to_owned()],
    }
}

fn json_list(arguments: &str) -> Option<Vec<String>> {
    arguments.starts_with('[').then(|| serde_json::from_str(arguments).ok()).flatten()
}

/// A JSON array, or words.
fn list(arguments: &str) -> Result<Vec<String>, String> {
    match json_list(arguments) {
        Some(words) => Ok(words),
        None => words(arguments),
    }
}

/// `KEY=VALUE ...` with quotes, or the old `KEY VALUE` with everything behind the first blank.
fn pairs(arguments: &str) -> Result<Vec<(String, String)>, String> {
    let words = words(arguments)?;
    if words.first().is_some_and(|first| !first.contains('=')) {
        return match arguments.split_once(char::is_whitespace) {
            Some((key, value)) => Ok(vec![(unquote(key)?, unquote(value.trim())?)]),
            None => Err("it must have the form KEY=VALUE".to_owned()),
        };
    }
    let pair = |word: &String| match word.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(format!("`{word}` does not have the form KEY=VALUE")),
    };
    words.iter().map(pair).collect()
}

fn unquote(text: &str) -> Result<String, String> {
    Ok(words(text)?.join(" "))
}

/// Words at blanks, with single quotes, double quotes and backslashes as in a shell, but without expansion.
fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (Some(open), c) if c == open => quote = None,
            (None | Some('"'), '\\') => word.get_or_insert_default().push(chars.next().unwrap_or('\\')),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    if quote.is_some() {
        return Err("a quote is not closed".to_owned());
    }
    words.extend(word);
    Ok(words)
}

/// `80`, `80/udp`, `8000-8010/tcp`.
fn expand_ports(text: &str) -> Result<Vec<String>, String> {
    let (range, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let protocol = protocol.to_ascii_lowercase();
    if !matches!(protocol.as_str(), "tcp" | "udp" | "sctp") {
        return Err(format!("`{protocol}` is not a protocol of ports"));
    }
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    match (first.parse::<u16>(), last.parse::<u16>()) {
        (Ok(first), Ok(last)) if first > 0 && first <= last => {
            Ok((first..=last).map(|port| format!("{port}/{protocol}")).collect())
        }
        _ => Err(format!("`{range}` is not a port or a range of ports")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(instructions: &[&str]) -> Result<Value> {
        let mut config = Map::new();
        for instruction in instructions {
            apply(&mut config, instruction)?;
        }
        Ok(Value::Object(config))
    }

    #[test]
    fn instructions_in_all_their_forms() {
        let table: [(&[&str], Value); 14] = [
            (&["CMD echo hi"], json!({"Cmd": ["/bin/sh", "-c", "echo hi"]})),
            (&["cmd [\"echo\", \"hi there\"]"], json!({"Cmd": ["echo", "hi there"]})),
            (&["CMD=/bin/bash"], json!({"Cmd": ["/bin/sh", "-c", "/bin/bash"]})),
            (&["ENTRYPOINT []"], json!({"Entrypoint": []})),
            (&["ENV a=1 b=\"2 3\"", "ENV a=4"], json!({"Env": ["a=4", "b=2 3"]})),
            (&["ENV key some value"], json!({"Env": ["key=some value"]})),
            (&["ENV=PATH=/bin:/usr"], json!({"Env": ["PATH=/bin:/usr"]})),
            (&["LABEL a='x y' b=c\\ d"], json!({"Labels": {"a": "x y", "b": "c d"}})),
            (&["EXPOSE 80 53/udp"], json!({"ExposedPorts": {"80/tcp": {}, "53/udp": {}}})),
            (&["EXPOSE 1-2"], json!({"ExposedPorts": {"1/tcp": {}, "2/tcp": {}}})),
            (&["VOLUME [\"/a\", \"/b c\"]"], json!({"Volumes": {"/a": {}, "/b c": {}}})),
            (&["VOLUME /a /b"], json!({"Volumes": {"/a": {}, "/b": {}}})),
            (&["ONBUILD RUN x", "ONBUILD RUN y"], json!({"OnBuild": ["RUN x", "RUN y"]})),
            (
                &["USER 1:1", "WORKDIR /w", "STOPSIGNAL SIGINT"],
                json!({"User": "1:1", "WorkingDir": "/w", "StopSignal": "SIGINT"}),
            ),
        ];
        for (instructions, expected) in table {
            assert_eq!(applied(instructions).unwrap(), expected, "{instructions:?}");
        }
        for bad in
            ["", "CMD", "RUN x", "ENV x", "ENV a='b", "EXPOSE x", "EXPOSE 0", "EXPOSE 70000", "EXPOSE 80/x", "LABEL =x"]
        {
            assert!(applied(&[bad]).is_err(), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,60}|(CMD|ENV|LABEL|EXPOSE|VOLUME|ONBUILD) [a-z0-9='\"\\\\/\\[\\] -]{0,40}") {
            let _ = apply(&mut Map::new(), &text);
        }
    }
}
