//! Commands about image.
