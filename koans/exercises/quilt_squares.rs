/// A quilt of coloured squares, row by row.
pub struct Quilt {
    width: usize,
    squares: Vec<char>,
}

impl Quilt {
    pub fn plain(width: usize, height: usize) -> Quilt {
        Quilt {
            width,
            squares: vec!['.'; width * height],
        }
    }

    pub fn colour(&self, x: usize, y: usize) -> char {
        self.squares[y * self.width + x]
    }

    pub fn square(&mut self, x: usize, y: usize) -> &mut char {
        &mut self.squares[y * self.width + x]
    }

    /// Sews the same colour onto both diagonals, `size` squares long.
    pub fn cross(&mut self, size: usize, colour: char) {
        for step in 0..size {
            *self.square(step, step) = colour;
            self.colour(size - 1 - step, step) = colour;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_diagonals_are_sewn() {
        let mut quilt = Quilt::plain(4, 3);
        quilt.cross(3, '#');
        let rows: Vec<String> = quilt.squares.chunks(4).map(String::from_iter).collect();
        assert_eq!(rows, ["#.#.", ".#..", "#.#."]);
        assert_eq!(quilt.colour(2, 0), '#');
    }
}
