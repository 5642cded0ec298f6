//! `image tree`: layers as a tree of lines.

use crate::cli::format::{short_id, units};
use crate::image::layer_tree::{LayerTree, Node};

/// Shows the layers of an image.
pub fn render(tree: &LayerTree) -> String {
    let image = &tree.image;
    let mut text = format!(
        "Image ID: {}\nTags:     [{}]\nSize:     {}\n",
        short_id(&image.id),
        image.names.join(" "),
        units::human_size_long(image.size)
    );
    text.push_str(if tree.layers.is_empty() { "No Image Layers\n" } else { "Image Layers\n" });
    add(&tree.layers, "", &mut text);
    text
}

fn add(nodes: &[Node], indent: &str, text: &mut String) {
    for (position, node) in nodes.iter().enumerate() {
        let is_last = position + 1 == nodes.len();
        let (branch, below) = if is_last { ("└── ", "    ") } else { ("├── ", "│   ") };
        let size = units::human_size_long(node.size);
        text.push_str(&format!("{indent}{branch}ID: {} Size: {size:>7}", short_id(&node.layer)));
        if !node.top_of.is_empty() {
            let names: Vec<&str> = node.top_of.iter().map(|name| shown(name)).collect();
            text.push_str(&format!(" Top Layer of: [{}]", names.join(" ")));
        }
        text.push('\n');
        add(&node.above, &format!("{indent}{below}"), text);
    }
}

/// A name, or the beginning of an ID.
fn shown(name: &str) -> &str {
    if name.contains('/') { name } else { short_id(name) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Image;

    #[test]
    fn branches() {
        let node = |layer: &str, size, top_of: &[&str], above| Node {
            layer: layer.repeat(32),
            size,
            top_of: top_of.iter().map(|name| (*name).to_owned()).collect(),
            above,
        };
        let on_top = vec![
            node("bb", 2560, &[], vec![node("cc", 0, &["localhost/c:1", "localhost/c:2"], vec![])]),
            node("dd", 9, &["6ada4d435fabc799"], vec![]),
        ];
        let image = Image { id: "6ada4d435fabc799".into(), names: vec!["localhost/a:1".into()], ..Image::default() };
        let tree = LayerTree { image, layers: vec![node("aa", 13_519_141, &["localhost/a:1"], on_top)] };
        let want = "\
Image ID: 6ada4d435fab
Tags:     [localhost/a:1]
Size:     0B
Image Layers
└── ID: aaaaaaaaaaaa Size: 13.52MB Top Layer of: [localhost/a:1]
    ├── ID: bbbbbbbbbbbb Size:  2.56kB
    │   └── ID: cccccccccccc Size:      0B Top Layer of: [localhost/c:1 localhost/c:2]
    └── ID: dddddddddddd Size:      9B Top Layer of: [6ada4d435fab]
";
        assert_eq!(render(&tree), want);
        assert!(render(&LayerTree { layers: vec![], ..tree }).ends_with("No Image Layers\n"));
    }
}
