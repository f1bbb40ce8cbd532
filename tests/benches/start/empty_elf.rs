//! The least a program can be.

/// An ELF file for x86-64 Linux that calls `exit(0)` and holds nothing else: header, one segment, three instructions.
pub(crate) const EMPTY_ELF: &[u8] = &{
    const CODE: [u8; 9] = [0xb8, 60, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05];
    let header: [u8; 120] = [
        0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, // 64 bit, little endian
        2, 0, 62, 0, 1, 0, 0, 0, 0x78, 0, 0x40, 0, 0, 0, 0,
        0, // executable, x86-64, entry 0x400078
        64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // program headers at 64, no sections
        0, 0, 0, 0, 64, 0, 56, 0, 1, 0, 0, 0, 0, 0, 0, 0, // one program header of 56 bytes
        1, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, // load, readable and executable, from offset 0
        0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, // at 0x400000
        129, 0, 0, 0, 0, 0, 0, 0, 129, 0, 0, 0, 0, 0, 0, 0, // 129 bytes
        0, 0x10, 0, 0, 0, 0, 0, 0, // aligned to a page
    ];
    let mut file = [0; 129];
    let mut at = 0;
    while at < file.len() {
        file[at] = if at < header.len() {
            header[at]
        } else {
            CODE[at - header.len()]
        };
        at += 1;
    }
    file
};
