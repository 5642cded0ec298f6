//! `inspect`: any number of objects, as one JSON array or through a template.

use serde_json::Value;

use crate::cli::format::go_json::{self, Shape};
use crate::cli::format::template::{self, Empty, Schema};
use crate::cli::format::{Format, is_json};
use crate::error::Result;

/// What templates know about a container.
pub const CONTAINER: Schema = Schema {
    command: "inspect",
    type_name: "*define.InspectContainerData",
    free_maps: &[
        "Labels",
        "Annotations",
        "Ports",
        "PortBindings",
        "Networks",
        "ExposedPorts",
        "Tmpfs",
        "Data",
        "Volumes",
        "CgroupConf",
    ],
    aliases: &[("Id", "ID"), ("Image", "ImageID"), ("Source", "Src"), ("Destination", "Dst"), ("HostIp", "HostIP")],
    omitted: &[
        ("", "SizeRw", Empty::Nothing),
        ("", "SizeRootFs", Empty::Nothing),
        ("Config", "Healthcheck", Empty::Nothing),
        ("Config", "Timezone", Empty::Text),
        ("Mounts", "Name", Empty::Text),
    ],
    headings: &[],
};

/// What templates know about an image.
pub const IMAGE: Schema = Schema {
    command: "inspect",
    type_name: "*define.ImageData",
    free_maps: &["Labels", "Annotations", "ExposedPorts", "Volumes", "Data"],
    aliases: &[
        ("Id", "ID"),
        ("Healthcheck", "HealthCheck"),
        ("Os", "OS"),
        ("created_by", "CreatedBy"),
        ("empty_layer", "EmptyLayer"),
    ],
    omitted: &[
        ("", "Variant", Empty::Text),
        ("", "HealthCheck", Empty::Nothing),
        ("Config", "User", Empty::Text),
        ("Config", "ExposedPorts", Empty::Map),
        ("Config", "Env", Empty::List),
        ("Config", "Entrypoint", Empty::List),
        ("Config", "Cmd", Empty::List),
        ("Config", "Volumes", Empty::Map),
        ("Config", "WorkingDir", Empty::Text),
        ("Config", "Labels", Empty::Map),
        ("Config", "StopSignal", Empty::Text),
        ("History", "author", Empty::Text),
        ("History", "comment", Empty::Text),
        ("History", "EmptyLayer", Empty::Nothing),
    ],
    headings: &[],
};

/// An inspected object and what templates know about its kind.
pub type Object = (Value, &'static Schema);

/// Shows objects: a JSON array (`[]` when there are none), or the template applied to each.
///
/// # Errors
/// When the template is wrong.
pub fn render(objects: &[Object], format: Option<&str>) -> Result<String> {
    let format = match format.filter(|f| !f.is_empty() && !is_json(f)) {
        None => None,
        Some(text) => Format::parse(text)?,
    };
    let Some(format) = format else {
        return go_json::pretty(&objects.iter().map(|(value, _)| value.clone()).collect(), Shape::Inspect);
    };
    let mut out = String::new();
    for (value, schema) in objects {
        out.push_str(&template::render_list(format, std::slice::from_ref(value), schema, !out.is_empty())?);
    }
    Ok(out)
}
