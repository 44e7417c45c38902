export function buildCompare() {}
