//! Made-up names for containers that were given none.

use crate::error::Result;
use crate::storage::id;

const ADJECTIVES: [&str; 64] = [
    "agile", "amber", "ample", "azure", "balmy", "bold", "brave", "breezy", "bright", "brisk", "calm", "candid",
    "cheery", "clever", "coastal", "crisp", "curious", "daring", "deft", "eager", "earnest", "fabled", "fair", "fleet",
    "fond", "frank", "gentle", "gifted", "glad", "golden", "hardy", "hearty", "honest", "humble", "jolly", "keen",
    "kind", "lively", "loyal", "lucid", "mellow", "merry", "mighty", "modest", "nimble", "noble", "patient", "placid",
    "plucky", "polite", "proud", "quick", "quiet", "rapid", "ready", "serene", "silent", "sober", "steady", "sunny",
    "tidal", "tidy", "vivid", "witty",
];

/// People of the sea, of rivers and of boats.
const SAILORS: [&str; 64] = [
    "amundsen",
    "anson",
    "aubert",
    "baffin",
    "barents",
    "baret",
    "baudin",
    "bellingshausen",
    "bering",
    "bligh",
    "bougainville",
    "bowditch",
    "cabot",
    "cabral",
    "cartier",
    "champlain",
    "cheng",
    "clark",
    "columbus",
    "cook",
    "cousteau",
    "cunningham",
    "dampier",
    "davis",
    "diaz",
    "drake",
    "earle",
    "elcano",
    "erikson",
    "flinders",
    "franklin",
    "frobisher",
    "fitzroy",
    "gama",
    "hasler",
    "heyerdahl",
    "hudson",
    "joyon",
    "knox",
    "kupe",
    "lewis",
    "macarthur",
    "magellan",
    "maury",
    "mercator",
    "moitessier",
    "nansen",
    "noronha",
    "orellana",
    "piailug",
    "polo",
    "pytheas",
    "quiros",
    "ross",
    "severin",
    "shackleton",
    "slocum",
    "tabarly",
    "tasman",
    "torres",
    "tupaia",
    "vancouver",
    "vespucci",
    "weddell",
];

/// An adjective and a sailor; with a number once several were taken.
pub fn random(attempt: u32) -> Result<String> {
    let [a, b, c, d] = id::random::<4>()?;
    let pick = |words: &[&'static str; 64], n: u8| words.get(usize::from(n) % 64).copied().unwrap_or("quiet");
    let name = format!("{}_{}", pick(&ADJECTIVES, a), pick(&SAILORS, b));
    Ok(if attempt < 5 { name } else { format!("{name}{}", u16::from(c) << 8 | u16::from(d)) })
}
