//! Commands about image.

