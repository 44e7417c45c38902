export function buildDoctor() {}
