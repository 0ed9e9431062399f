const GIB = 1024 ** 3;
const MIB = 1024 ** 2;

/** `1.5 GiB`, `12 MiB`. */
export const byteText = (bytes: number): string =>
  bytes >= GIB ? `${(bytes / GIB).toFixed(1)} GiB` : `${Math.ceil(bytes / MIB)} MiB`;
