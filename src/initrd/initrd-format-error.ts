/** A defect of an initrd. The message is a clause after "it": "ends in the middle of …". */
export class InitrdFormatError extends Error {}
