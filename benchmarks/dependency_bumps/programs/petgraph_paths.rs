//! Ways through a town.

use petgraph::algo::all_simple_paths;
use petgraph::graph::{DiGraph, NodeIndex};

#[derive(Default)]
pub struct Town {
    streets: DiGraph<&'static str, u32>,
}

impl Town {
    pub fn place(&mut self, name: &'static str) -> NodeIndex {
        self.streets.add_node(name)
    }

    pub fn street(&mut self, from: NodeIndex, to: NodeIndex, metres: u32) {
        self.streets.add_edge(from, to, metres);
    }

    pub fn ways(&self, from: NodeIndex, to: NodeIndex) -> Vec<Vec<&'static str>> {
        all_simple_paths::<Vec<_>, _>(&self.streets, from, to, 0, None)
            .map(|way| way.into_iter().map(|place| self.streets[place]).collect())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_both_ways() {
        let mut town = Town::default();
        let (gate, market, church) = (town.place("gate"), town.place("market"), town.place("church"));
        town.street(gate, market, 100);
        town.street(market, church, 50);
        town.street(gate, church, 400);
        let mut ways = town.ways(gate, church);
        ways.sort_by_key(Vec::len);
        assert_eq!(ways, [vec!["gate", "church"], vec!["gate", "market", "church"]]);
    }
}
