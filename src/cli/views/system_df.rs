//! `system df`: the room that images, containers and volumes take, in total or each.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::image_names::{self, NONE};
use crate::cli::format::table::Table;
use crate::cli::format::template::{self, Schema};
use crate::cli::format::{Format, go_json, short_id, units};
use crate::engine::system::disk::Disk;
use crate::error::Result;

const SCHEMA: Schema =
    Schema { command: "df", type_name: "*system.dfSummary", free_maps: &[], aliases: &[], omitted: &[], headings: &[] };

/// One line of the summary.
struct Row {
    kind: &'static str,
    total: usize,
    active: usize,
    size: u64,
    reclaimable: u64,
}

impl Row {
    fn reclaimable(&self) -> String {
        let percent = if self.size == 0 { 0.0 } else { 100.0 * self.reclaimable as f64 / self.size as f64 };
        format!("{} ({percent:.0}%)", units::human_size_long(self.reclaimable))
    }

    fn json(&self) -> Value {
        json!({
            "Type": self.kind,
            "Total": self.total,
            "Active": self.active,
            "RawSize": self.size,
            "RawReclaimable": self.reclaimable,
            "TotalCount": self.total,
            "Size": units::human_size_long(self.size),
            "Reclaimable": self.reclaimable(),
        })
    }
}

fn rows(disk: &Disk) -> [Row; 3] {
    let runs = |usage: &&crate::engine::system::disk::ContainerUsage| usage.container.state.status.is_alive();
    let images = Row {
        kind: "Images",
        total: disk.images.len(),
        active: disk.images.iter().filter(|usage| usage.containers > 0).count(),
        size: disk.images_total(),
        reclaimable: disk.unused + disk.unreachable,
    };
    let running: u64 = disk.containers.iter().filter(runs).map(|usage| usage.size).sum();
    let containers = Row {
        kind: "Containers",
        total: disk.containers.len(),
        active: disk.containers.iter().filter(runs).count(),
        size: disk.containers_total,
        reclaimable: disk.containers_total.saturating_sub(running),
    };
    let volumes = Row {
        kind: "Local Volumes",
        total: disk.volumes.len(),
        active: disk.volumes.iter().filter(|volume| volume.links > 0).count(),
        size: disk.volumes_total(),
        reclaimable: disk.volumes.iter().map(|volume| volume.reclaimable).sum(),
    };
    [images, containers, volumes]
}

/// The summary, as a table, JSON or a template.
///
/// # Errors
/// When the template is wrong.
pub fn summary(disk: &Disk, format: Option<&str>) -> Result<String> {
    let rows = rows(disk);
    let objects: Vec<Value> = rows.iter().map(Row::json).collect();
    match format.map(Format::parse).transpose()?.flatten() {
        Some(Format::Json) => {
            let lines: Vec<String> =
                objects.iter().map(|row| Ok(format!("    {}", go_json::compact(row)?))).collect::<Result<_>>()?;
            Ok(format!("[\n{}\n]\n", lines.join(",\n")))
        }
        Some(format) => template::render_list(format, &objects, &SCHEMA, false),
        None => {
            let mut table = Table::new();
            table.row(["TYPE", "TOTAL", "ACTIVE", "SIZE", "RECLAIMABLE"]);
            for row in &rows {
                table.row([
                    row.kind.to_owned(),
                    row.total.to_string(),
                    row.active.to_string(),
                    units::human_size_long(row.size),
                    row.reclaimable(),
                ]);
            }
            table.render()
        }
    }
}

/// Every image and container.
pub fn verbose(disk: &Disk, now: Timestamp) -> Result<String> {
    let mut images = Table::new();
    images.row(["REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE", "SHARED SIZE", "UNIQUE SIZE", "CONTAINERS"]);
    for usage in &disk.images {
        let (repository, tag) = usage.image.names.first().map_or((NONE, None), |name| image_names::split(name));
        images.row([
            repository.to_owned(),
            tag.unwrap_or(NONE).to_owned(),
            short_id(&usage.image.id).to_owned(),
            units::since(usage.image.created, now),
            units::human_size_long(usage.size),
            units::human_size_long(usage.shared),
            units::human_size_long(usage.size.saturating_sub(usage.shared)),
            usage.containers.to_string(),
        ]);
    }
    let mut containers = Table::new();
    containers.row(["CONTAINER ID", "IMAGE", "COMMAND", "LOCAL VOLUMES", "SIZE", "CREATED", "STATUS", "NAMES"]);
    for usage in &disk.containers {
        let record = &usage.container.record;
        containers.row([
            short_id(&record.id).to_owned(),
            short_id(&record.image_id).to_owned(),
            record.command.join(" "),
            crate::container::volumes::of(record).count().to_string(),
            units::human_size_long(usage.size),
            units::since(record.created, now),
            usage.container.state.status.as_str().to_owned(),
            record.name.clone(),
        ]);
    }
    let mut volumes = Table::new();
    volumes.row(["VOLUME NAME", "LINKS", "SIZE"]);
    for usage in &disk.volumes {
        volumes.row([usage.name.clone(), usage.links.to_string(), units::human_size_long(usage.size)]);
    }
    let mut text = format!(
        "Images space usage:\n\n{}\nContainers space usage:\n\n{}\nLocal Volumes space usage:\n\n{}",
        images.render()?,
        containers.render()?,
        volumes.render()?
    );
    if disk.unreachable > 0 {
        text.push_str(&format!(
            "\nUnreachable data, which `coracle image prune` removes: {}\n",
            units::human_size_long(disk.unreachable)
        ));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::system::disk::ImageUsage;
    use crate::image::Image;

    #[test]
    fn in_the_shape_of_the_samples() {
        let image = Image { names: vec!["quay.io/x/y:1".into()], id: "6ada4d435fabc799".into(), ..Image::default() };
        let disk = Disk {
            images: vec![ImageUsage { image, size: 13_519_141, shared: 1000, containers: 0 }],
            total: 14_256_564,
            unused: 13_519_141,
            unreachable: 1,
            ..Disk::default()
        };
        let want = "\
TYPE           TOTAL       ACTIVE      SIZE        RECLAIMABLE
Images         1           0           14.26MB     13.52MB (95%)
Containers     0           0           0B          0B (0%)
Local Volumes  0           0           0B          0B (0%)
";
        assert_eq!(summary(&disk, None).unwrap(), want);
        let keys = |text: &str| -> Vec<String> {
            let rows: Value = serde_json::from_str(text).unwrap();
            rows[0].as_object().unwrap().keys().cloned().collect()
        };
        let json = summary(&disk, Some("json")).unwrap();
        let sample = include_str!("../../../tests/data/samples/system-df.json");
        assert_eq!(keys(&json), keys(sample));
        assert_eq!(json.lines().count(), sample.lines().count());
        assert_eq!(summary(&disk, Some("{{.Type}} {{.Total}}")).unwrap(), "Images 1\nContainers 0\nLocal Volumes 0\n");
        let all = verbose(&disk, Timestamp::now()).unwrap();
        let heads = |text: &str| -> Vec<String> {
            text.lines()
                .filter(|l| !l.contains("  ") || l.starts_with(char::is_uppercase))
                .filter(|l| l.contains("  ") || l.ends_with(':'))
                .map(|l| l.split_whitespace().collect::<Vec<_>>().join(" "))
                .collect()
        };
        let sample = include_str!("../../../tests/data/samples/system-df-v.txt");
        assert_eq!(heads(&all), heads(sample));
        assert!(all.contains("13.52MB") && all.contains("Unreachable data"), "{all}");
    }
}
