/* CRC-32 as zlib computes it (reflected, polynomial 0xEDB88320). */

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

const encoder = new TextEncoder();

/** The unsigned CRC-32 of bytes. */
export function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ TABLE[(crc ^ byte) & 0xff];
  return (crc ^ 0xffffffff) >>> 0;
}

/** The wire's `check`: of the rowkeys in order, each followed by a newline, in UTF-8. */
export function checkOf(rowkeys) {
  return crc32(encoder.encode(rowkeys.map((rowkey) => `${rowkey}\n`).join("")));
}
