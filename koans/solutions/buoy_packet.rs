/// What a weather buoy sends: its number, then waves in centimetres, all big-endian.
#[derive(Debug, PartialEq)]
pub struct Report {
    pub buoy: u32,
    pub waves: Vec<u16>,
}

/// Reads a packet; `None` if it ends in the middle of something.
pub fn read(packet: &[u8]) -> Option<Report> {
    let waves = packet.get(4..)?.chunks(2);
    let number: [u8; 4] = packet[..4].try_into().ok()?;
    let waves: Option<Vec<u16>> = waves
        .map(|pair| Some(u16::from_be_bytes(pair.try_into().ok()?)))
        .collect();
    Some(Report {
        buoy: u32::from_be_bytes(number),
        waves: waves?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_read() {
        let report = Report {
            buoy: 258,
            waves: vec![300, 7],
        };
        assert_eq!(read(&[0, 0, 1, 2, 1, 44, 0, 7]), Some(report));
        assert_eq!(
            read(&[0, 0, 1, 2]).map(|report| report.waves.len()),
            Some(0)
        );
    }

    #[test]
    fn short_packets_are_refused() {
        assert_eq!(read(&[0, 0, 1]), None);
        assert_eq!(read(&[0, 0, 1, 2, 1, 44, 0]), None);
    }
}
