//! What the listing and inspecting commands show: data and options in, text out.

pub mod container_filter;
pub mod container_inspect;
pub mod diff;
pub mod history;
pub mod image_filter;
pub mod image_inspect;
pub mod image_names;
pub mod image_tree;
pub mod images;
pub mod info;
pub mod inspect;
pub mod manifest_inspect;
pub mod network;
pub mod network_filter;
pub mod pattern;
pub mod port;
pub mod ports;
pub mod ps;
pub mod ps_row;
pub mod search;
pub mod secret;
pub mod system_df;
pub mod top;
pub mod version;
pub mod volume;
pub mod volume_filter;
