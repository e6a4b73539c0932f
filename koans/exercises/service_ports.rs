/// Finds the port in an entry such as `metrics = 10.0.0.4:9100  # inner net`.
///
/// An entry without a port, or with one that is no number, has none.
pub fn port(entry: &str) -> Option<u16> {
    let entry = entry.split('#').next()?;
    entry
        .split_once('=')
        .map(|(_, address)| address.trim())
        .and_then(|address| address.rsplit_once(':'))
        .and_then(|(_, digits)| digits.parse::<u16>())
        .filter(|port| *port != 0)
}

/// The ports of a whole file in rising order, each once.
pub fn ports(file: &str) -> Vec<u16> {
    let mut found: Vec<u16> = file.lines().filter_map(port).collect();
    found.sort_unstable();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_found_where_there_are_some() {
        assert_eq!(port("metrics = 10.0.0.4:9100  # inner net"), Some(9100));
        assert_eq!(port("socket = /run/app"), None);
        assert_eq!(port("far = host:70000"), None);
    }

    #[test]
    fn a_file_lists_each_port_once() {
        let file = "# a = b:1\nweb = h:443\nold = h:0\nadmin = i:80\nalso = j:443";
        assert_eq!(ports(file), [80, 443]);
    }
}
