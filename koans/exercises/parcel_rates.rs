/// A parcel; its sides in centimetres.
pub struct Parcel {
    pub grams: u32,
    pub sides: [u32; 3],
    pub abroad: bool,
}

/// The postage in cents: by weight at home, by the heavier of weight and volume abroad.
pub fn postage(parcel: &Parcel) -> u32 {
    let longest = parcel.sides.iter().max().map_or(0, |side| *side);
    if parcel.abroad {
        let volume: u32 = parcel.sides.iter().product();
        let charged = parcel.grams.max(volume / 5);
    } else {
        let charged = parcel.grams;
    }
    let bulky = if longest > 120 { 900 } else { 0 };
    290 + 80 * charged.div_ceil(500) + bulky
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volume_counts_abroad() {
        let mut parcel = Parcel {
            grams: 700,
            sides: [20, 20, 20],
            abroad: false,
        };
        assert_eq!(postage(&parcel), 450);
        parcel.abroad = true;
        assert_eq!(postage(&parcel), 610);
        parcel.sides = [130, 1, 1];
        assert_eq!(postage(&parcel), 1350);
    }
}
