//! What the listing and inspecting commands show: data and options in, text out.

pub mod container_filter;
pub mod pattern;
pub mod ports;
pub mod ps;
pub mod ps_row;
