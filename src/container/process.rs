//! The command that a container executes: Docker's rules of entrypoint and command.

use crate::bail;
use crate::error::Result;
use crate::image::ImageConfig;

use super::options::CreateOptions;

/// Entrypoint and command, apart and together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Command {
    pub entrypoint: Option<Vec<String>>,
    pub cmd: Vec<String>,
    /// What is executed. Never empty.
    pub args: Vec<String>,
}

/// Reads the value of `--entrypoint`: a JSON array of strings, or one word.
pub fn parse_entrypoint(text: &str) -> Vec<String> {
    serde_json::from_str(text).unwrap_or_else(|_| vec![text.to_owned()])
}

/// Puts together what is executed. An entrypoint from the user makes the image's command void.
pub fn command(options: &CreateOptions, image: &ImageConfig) -> Result<Command> {
    let given = options.entrypoint.as_ref();
    let entrypoint = given.or(image.entrypoint.as_ref()).filter(|words| {
        let is_clear = words.is_empty() || (words.len() == 1 && words.iter().all(String::is_empty));
        !is_clear
    });
    let replaced = given.is_some_and(|words| !words.is_empty());
    let cmd = match (options.command.is_empty(), replaced, &image.cmd) {
        (true, false, Some(cmd)) => cmd.clone(),
        _ => options.command.clone(),
    };
    let args: Vec<String> = entrypoint.into_iter().flatten().chain(&cmd).cloned().collect();
    if args.is_empty() {
        bail!("no command or entrypoint provided, and no CMD or ENTRYPOINT from image");
    }
    if args.iter().any(|word| word.contains('\0')) {
        bail!("the command contains a null byte");
    }
    Ok(Command { entrypoint: entrypoint.cloned(), cmd, args })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    fn run(image_entrypoint: &str, image_cmd: &str, entrypoint: Option<&str>, command: &str) -> Result<String> {
        let some = |text: &str| (!text.is_empty()).then(|| words(text));
        let image = ImageConfig { entrypoint: some(image_entrypoint), cmd: some(image_cmd), ..Default::default() };
        let options = CreateOptions {
            entrypoint: entrypoint.map(parse_entrypoint),
            command: words(command),
            ..Default::default()
        };
        super::command(&options, &image).map(|c| c.args.join(" "))
    }

    #[test]
    fn dockers_rules() {
        for (image_entrypoint, image_cmd, entrypoint, command, want) in [
            ("", "sh", None, "", "sh"),
            ("", "sh", None, "ls -l", "ls -l"),
            ("e", "c", None, "", "e c"),
            ("e", "c", None, "x", "e x"),
            ("e", "c", Some("o"), "", "o"),
            ("e", "c", Some("o"), "x", "o x"),
            ("e", "c", Some("a b"), "", "a b"),
            ("e", "c", Some(r#"["a","b c"]"#), "x", "a b c x"),
            ("e", "c", Some(""), "x", "x"),
            ("e", "c", Some("[]"), "x", "x"),
            ("e", "c", Some("[]"), "", "c"),
            ("/bin/sh -c run", "c", None, "", "/bin/sh -c run c"),
        ] {
            assert_eq!(
                run(image_entrypoint, image_cmd, entrypoint, command).unwrap(),
                want,
                "{entrypoint:?} {command}"
            );
        }
        for (image_cmd, entrypoint) in [("", None), ("c", Some(""))] {
            assert_eq!(
                run("", image_cmd, entrypoint, "").unwrap_err().to_string(),
                "no command or entrypoint provided, and no CMD or ENTRYPOINT from image"
            );
        }
    }
}
