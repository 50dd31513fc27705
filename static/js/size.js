// Bytes as a person reads them.
const units = ["Bytes", "KiB", "MiB", "GiB", "TiB"];

export function size(bytes) {
  const step = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** step).toFixed(step ? 1 : 0)} ${units[step]}`;
}
