// Whether a lesson's check is passed by the latest frames of each kind.

const COMPARISONS = { above: (value, bound) => value > bound, below: (value, bound) => value < bound, is: (value, wanted) => value === wanted };

export function isPassed({ check }, frames) {
  return check.every(({ of, ...bounds }) => {
    const value = of.split(".").reduce((part, name) => part?.[name], frames);
    return value !== undefined && value !== null && Object.entries(bounds).every(([name, bound]) => COMPARISONS[name](value, bound));
  });
}

// The kinds of frames that a check looks at and that the lesson's commands do not renew: old ones must not pass it.
export const askedFor = ({ check }) => new Set(check.map((each) => each.of.split(".")[0]).filter((kind) => !["progress", "experiment"].includes(kind)));
