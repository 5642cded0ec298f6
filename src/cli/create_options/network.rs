//! Networks, ports, names and addresses.

use crate::cli::args::GoBool;

/// Flags about the network.
#[derive(Debug, clap::Args)]
pub struct NetworkArgs {
    /// Add a line to /etc/hosts (NAME:ADDRESS)
    #[arg(long, value_name = "strings", value_delimiter = ',')]
    pub add_host: Vec<String>,
    /// Set a DNS server
    #[arg(long, value_name = "strings", value_delimiter = ',')]
    pub dns: Vec<String>,
    /// Set a DNS option
    #[arg(long, alias = "dns-opt", value_name = "strings", value_delimiter = ',')]
    pub dns_option: Vec<String>,
    /// Set a DNS search domain
    #[arg(long, value_name = "strings", value_delimiter = ',')]
    pub dns_search: Vec<String>,
    /// What the container may reach: names, *.names, addresses and nets, each with an optional :PORT, or none
    #[arg(long, value_name = "stringArray")]
    pub egress: Vec<String>,
    /// Write down what is refused by --egress
    #[arg(long)]
    pub egress_log: GoBool,
    /// Declare a port without publishing it
    #[arg(long, value_name = "strings", value_delimiter = ',')]
    pub expose: Vec<String>,
    /// Name that the container has for itself [default: its short ID]
    #[arg(short = 'h', long, value_name = "string")]
    pub hostname: Option<String>,
    /// File that /etc/hosts is made from (a path, image or none)
    #[arg(long, value_name = "string")]
    pub hosts_file: Option<String>,
    /// Set an IPv4 address
    #[arg(long, value_name = "string")]
    pub ip: Option<String>,
    /// Set an IPv6 address
    #[arg(long, value_name = "string")]
    pub ip6: Option<String>,
    /// Set a MAC address
    #[arg(long, value_name = "string")]
    pub mac_address: Option<String>,
    /// Network to connect to (NAME[:ip=,ip6=,mac=,alias=,interface_name=], bridge, none, host, slirp4netns[:options],
    /// pasta[:options])
    #[arg(long, alias = "net", value_name = "stringArray")]
    pub network: Vec<String>,
    /// Add a name in the network
    #[arg(long, value_name = "strings", value_delimiter = ',')]
    pub network_alias: Vec<String>,
    /// Leave /etc/hostname as it is in the image
    #[arg(long)]
    pub no_hostname: GoBool,
    /// Leave /etc/hosts as it is in the image
    #[arg(long)]
    pub no_hosts: Option<GoBool>,
    /// Publish a port ([[ADDRESS:]HOST:]CONTAINER[/PROTOCOL])
    #[arg(short, long, value_name = "strings", value_delimiter = ',')]
    pub publish: Vec<String>,
    /// Publish all declared ports on random ports of the host
    #[arg(short = 'P', long)]
    pub publish_all: GoBool,
}
