pub trait Figure {
    /// Leads the pen through the corners of the figure.
    fn trace<P: FnMut(i32, i32)>(&self, pen: &mut P);
}

pub struct Line(pub (i32, i32), pub (i32, i32));

impl Figure for Line {
    fn trace<P: FnMut(i32, i32)>(&self, pen: &mut P) {
        pen(self.0 .0, self.0 .1);
        pen(self.1 .0, self.1 .1);
    }
}

pub struct Square {
    pub corner: (i32, i32),
    pub side: i32,
}

impl Figure for Square {
    fn trace<P: FnMut(i32, i32)>(&self, pen: &mut P) {
        let (x, y) = self.corner;
        for (right, down) in [(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)] {
            pen(x + right * self.side, y + down * self.side);
        }
    }
}

/// The drawing as one text for the plotter, figure after figure.
pub fn program(drawing: &[Box<dyn Figure>]) -> String {
    let mut text = String::new();
    for figure in drawing {
        figure.trace(&mut |x: i32, y: i32| text.push_str(&format!("{x},{y} ")));
    }
    text.trim_end().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_traced_one_after_the_other() {
        let square = Square {
            corner: (5, 5),
            side: 2,
        };
        let drawing: [Box<dyn Figure>; 2] = [Box::new(Line((0, 0), (3, 4))), Box::new(square)];
        assert_eq!(program(&drawing), "0,0 3,4 5,5 7,5 7,7 5,7 5,5");
    }
}
