const MIB = 2 ** 20;

/** Bytes as people read them. */
export const inMib = (bytes: number): string => `${Math.ceil(bytes / MIB)} MiB`;
