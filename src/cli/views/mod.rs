//! What the listing and inspecting commands show: data and options in, text out.
