/**
 * An archive or a layer violates its format, or a layer cannot be applied to the layers below. The
 * message is a clause ("its header checksum is wrong"); the reader of the archive adds which
 * archive and which entry.
 */
export class FormatError extends Error {}
