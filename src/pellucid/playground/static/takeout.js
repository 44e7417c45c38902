export function buildTakeOut() {}
