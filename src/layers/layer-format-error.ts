/**
 * Something in a layer that breaks its format or cannot be laid over the layers below. The
 * message is a clause ("its header checksum is wrong"); whoever reads the layer says which.
 */
export class LayerFormatError extends Error {}
