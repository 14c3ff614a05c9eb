//! Pictures in a terminal: each cell shows two pixels, one above the other, and only cells that changed are sent.
//!
//! The upper half block `▀` has the upper pixel as its foreground and the lower one as its background. A pixel is the mean of
//! the part of the picture it stands for.

use crate::frame::{Frame, Place, rgb};
use std::io::{self, Write};

/// Red, green, blue.
type Colour = [u8; 3];

/// A cell: its upper and its lower pixel.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Cell {
    upper: Colour,
    lower: Colour,
}

/// A terminal's cells.
pub(crate) struct Canvas {
    columns: usize,
    rows: usize,
    /// What the terminal shows; nothing is known of a new one.
    shown: Option<Vec<Cell>>,
}

impl Canvas {
    pub(crate) fn new(columns: usize, rows: usize) -> Canvas {
        Canvas { columns, rows, shown: None }
    }

    /// Writes what turns the terminal's picture into this one.
    pub(crate) fn draw(&mut self, frame: &Frame, to: &mut impl Write) -> io::Result<()> {
        let cells = self.cells(frame);
        let mut pen = Pen::default();
        for (at, cell) in cells.iter().enumerate() {
            if self.shown.as_ref().is_none_or(|shown| shown[at] != *cell) {
                pen.put(at / self.columns, at % self.columns, cell, to)?;
            }
        }
        self.shown = Some(cells);
        Ok(())
    }

    fn cells(&self, frame: &Frame) -> Vec<Cell> {
        let mut cells = vec![Cell::default(); self.columns * self.rows];
        let place = Place::within(self.columns, 2 * self.rows);
        if frame.pixels.is_empty() {
            return cells;
        }
        let columns: Vec<_> = (0..place.width).map(|x| part(x, place.width, frame.width)).collect();
        for y in 0..place.height {
            let rows = part(y, place.height, frame.height);
            let row = place.top + y;
            for (x, columns) in columns.iter().enumerate() {
                let colour = mean(frame, rows.clone(), columns.clone());
                let cell = &mut cells[row / 2 * self.columns + place.left + x];
                *if row.is_multiple_of(2) { &mut cell.upper } else { &mut cell.lower } = colour;
            }
        }
        cells
    }
}

/// Which of `of` things the part `at` of `parts` stands for; at least one.
fn part(at: usize, parts: usize, of: usize) -> std::ops::Range<usize> {
    let start = at * of / parts;
    start..((at + 1) * of / parts).max(start + 1)
}

fn mean(frame: &Frame, rows: std::ops::Range<usize>, columns: std::ops::Range<usize>) -> Colour {
    let count = rows.len() * columns.len();
    let mut sums = [0_usize; 3];
    for row in rows {
        for pixel in &frame.pixels[row * frame.width..][columns.clone()] {
            for (sum, part) in sums.iter_mut().zip(rgb(*pixel)) {
                *sum += usize::from(part);
            }
        }
    }
    sums.map(|sum| u8::try_from((sum + count / 2) / count).expect("a mean of bytes"))
}

/// The terminal's cursor and colours, as far as they are known.
#[derive(Default)]
struct Pen {
    place: Option<(usize, usize)>,
    foreground: Option<Colour>,
    background: Option<Colour>,
}

impl Pen {
    fn put(&mut self, row: usize, column: usize, cell: &Cell, to: &mut impl Write) -> io::Result<()> {
        if self.place != Some((row, column)) {
            write!(to, "\x1b[{};{}H", row + 1, column + 1)?;
        }
        // Behind the last column the cursor is here in some terminals and there in others: never equal to a cell's place.
        self.place = Some((row, column + 1));
        let [red, green, blue] = cell.lower;
        if self.background.replace(cell.lower) != Some(cell.lower) {
            write!(to, "\x1b[48;2;{red};{green};{blue}m")?;
        }
        if cell.upper == cell.lower {
            return to.write_all(b" ");
        }
        let [red, green, blue] = cell.upper;
        if self.foreground.replace(cell.upper) != Some(cell.upper) {
            write!(to, "\x1b[38;2;{red};{green};{blue}m")?;
        }
        to.write_all("▀".as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RED: u32 = 0xff_0000;
    const BLUE: u32 = 0x00_00ff;

    fn drawn(canvas: &mut Canvas, pixels: &[u32]) -> String {
        let mut text = Vec::new();
        canvas.draw(&Frame { width: 4, height: 2, pixels: pixels.to_vec() }, &mut text).unwrap();
        String::from_utf8(text).unwrap().replace('\x1b', "E")
    }

    #[test]
    fn a_cell_is_two_pixels() {
        // Eight columns, three rows: 8 x 6 pixels, of 4 x 2 in the picture.
        let mut canvas = Canvas::new(8, 3);
        let text = drawn(&mut canvas, &[RED, RED, RED, RED, BLUE, BLUE, BLUE, BLUE]);
        let expected = "E[1;1HE[48;2;255;0;0m        E[2;1HE[48;2;0;0;255mE[38;2;255;0;0m▀▀▀▀▀▀▀▀E[3;1H        ";
        assert_eq!(text, expected);
    }

    #[test]
    fn only_changes_are_sent() {
        let mut canvas = Canvas::new(4, 1);
        // Two of the four columns stand for the picture, which is averaged.
        let text = drawn(&mut canvas, &[RED, RED, RED, RED, BLUE, BLUE, BLUE, BLUE]);
        assert_eq!(text, "E[1;1HE[48;2;0;0;0m E[48;2;0;0;255mE[38;2;255;0;0m▀▀E[48;2;0;0;0m ");
        assert_eq!(drawn(&mut canvas, &[RED, RED, RED, RED, BLUE, BLUE, BLUE, BLUE]), "");
        let text = drawn(&mut canvas, &[RED, RED, RED, BLUE, BLUE, BLUE, BLUE, BLUE]);
        assert_eq!(text, "E[1;3HE[48;2;0;0;255mE[38;2;128;0;128m▀");
    }

    #[test]
    fn every_size_can_be_drawn() {
        for columns in 0..9 {
            for rows in 0..5 {
                let mut canvas = Canvas::new(columns, rows);
                drawn(&mut canvas, &[RED; 8]);
                canvas.draw(&Frame::default(), &mut Vec::new()).unwrap();
            }
        }
    }
}
