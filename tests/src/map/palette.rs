//! Pictures with a palette: of a page that has few colours, a third of the size.

use std::{
    collections::{BTreeMap, HashMap},
    io::Cursor,
};

/// So many colours a palette has.
const COLOURS: usize = 256;

type Colour = [u8; 3];

/// How far apart colours are that have a place of their own, round after round: what is rare and like nothing else, as a sign,
/// comes before the shades of what is there often.
const APART: [u32; 5] = [48, 24, 12, 6, 0];

/// The same picture with a palette: the colours that are there most often, and the nearest of them for all others.
pub(super) fn of(picture: &[u8]) -> Vec<u8> {
    let (size, pixels) = read(picture);
    let mut counted: BTreeMap<Colour, usize> = BTreeMap::new();
    for pixel in &pixels {
        *counted.entry(*pixel).or_default() += 1;
    }
    let palette = chosen(&counted);
    let nearest: HashMap<Colour, u8> = counted
        .keys()
        .map(|colour| {
            let places = palette.iter().enumerate();
            let nearest = places.min_by_key(|(_, other)| distance(colour, other));
            let (place, _) = nearest.expect("a picture has a colour");
            (*colour, u8::try_from(place).expect("a palette has 256"))
        })
        .collect();
    let indexes: Vec<u8> = pixels.iter().map(|pixel| nearest[pixel]).collect();
    let mut written = Vec::new();
    let mut encoder = png::Encoder::new(&mut written, size.0, size.1);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette(palette.concat());
    encoder.set_compression(png::Compression::High);
    encoder.set_filter(png::Filter::NoFilter);
    let mut writer = encoder.write_header().expect("it has a size");
    writer
        .write_image_data(&indexes)
        .expect("it has as many pixels as its size says");
    writer.finish().expect("memory takes it");
    written
}

fn chosen(counted: &BTreeMap<Colour, usize>) -> Vec<Colour> {
    let mut colours: Vec<&Colour> = counted.keys().collect();
    // The sort keeps the order of colours, so that the same page is the same picture.
    colours.sort_by_key(|colour| std::cmp::Reverse(counted[*colour]));
    let mut palette: Vec<Colour> = Vec::new();
    for apart in APART {
        for colour in &colours {
            let mut known = palette.iter();
            let is_new = known.all(|other| distance(colour, other) > apart.pow(2));
            if is_new && palette.len() < COLOURS {
                palette.push(**colour);
            }
        }
    }
    palette
}

/// The size of a picture, and its pixels without what shines through.
fn read(picture: &[u8]) -> ((u32, u32), Vec<Colour>) {
    let mut decoder = png::Decoder::new(Cursor::new(picture));
    decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::STRIP_16);
    let mut reader = decoder.read_info().expect("a browser writes PNG");
    let room = reader.output_buffer_size().expect("it fits into memory");
    let mut bytes = vec![0; room];
    let frame = reader.next_frame(&mut bytes).expect("it is whole");
    let samples = frame.color_type.samples();
    assert!(samples >= 3, "it has colours");
    let pixels = bytes[..frame.buffer_size()].chunks_exact(samples);
    let colours = pixels.map(|pixel| [pixel[0], pixel[1], pixel[2]]);
    ((frame.width, frame.height), colours.collect())
}

fn distance(one: &Colour, other: &Colour) -> u32 {
    let parts = one.iter().zip(other);
    parts.map(|(a, b)| u32::from(a.abs_diff(*b)).pow(2)).sum()
}
