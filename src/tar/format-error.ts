/**
 * Something in an archive or a layer that breaks its format, or cannot be laid over the layers
 * below. The message is a clause ("its header checksum is wrong"); whoever reads the archive says
 * which.
 */
export class FormatError extends Error {}
