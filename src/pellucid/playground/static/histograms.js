export function buildHistograms() {}
