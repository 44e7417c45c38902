// The sentences of the library's options in Russian, by their English, and the range of an option in words.

import { current, named, t } from "./strings.js";

const RUSSIAN = {
  "The value at minus infinity, negated.": "Значение на минус бесконечности, с обратным знаком.",
  "Slope on the negative side.": "Наклон на отрицательной стороне.",
  "The number that every weight starts from.": "Число, с которого начинается каждый вес.",
  "Shape of the distribution.": "Вид распределения.",
  "Center of the bell curve.": "Середина колокола.",
  "Standard deviation.": "Стандартное отклонение.",
  "Factor on lengths.": "Множитель длин.",
  "Lower end.": "Нижний конец.",
  "Upper end.": "Верхний конец.",
  "Share of each target that is spread evenly over yes and no.": "Доля каждой цели, которая делится поровну между «да» и «нет».",
  "How much less a row counts the surer it is right; 0 is cross-entropy.": "Насколько меньше значит строка, чем увереннее верный ответ; 0 — перекрёстная энтропия.",
  "Share of each target that is spread evenly over the classes.": "Доля каждой цели, которая делится поровну между классами.",
  "The error at which the square turns into a line.": "Ошибка, при которой парабола переходит в прямую.",
  "The quantiles, such as (0.05, 0.5, 0.95).": "Квантили, например 0.05, 0.5, 0.95.",
  "Mean over rows and targets, or half their sum.": "Среднее по строкам и целям или половина их суммы.",
  "Step size.": "Величина шага.",
  "Share of the mean slope kept from step to step.": "Доля среднего градиента, которая остаётся от шага к шагу.",
  "Share of the mean square kept from step to step.": "Доля среднего квадрата, которая остаётся от шага к шагу.",
  "Added to the root, so that a slope of 0 divides by no zero.": "Прибавляется к корню, чтобы при нулевом градиенте не делить на нуль.",
  "Where the start at zero is corrected.": "Где исправляется начало с нуля.",
  "Pull of the weights towards zero, relative to the learning rate.": "Как сильно веса тянет к нулю, относительно скорости обучения.",
  "First step length that the line search tries.": "Первая длина шага, которую пробует поиск вдоль прямой.",
  "Number of past steps remembered.": "Сколько прошлых шагов помнится.",
  "Most evaluations of the loss in one line search.": "Сколько раз, самое большее, считается потеря в одном поиске.",
  "Share of the velocity kept from step to step.": "Доля скорости движения, которая остаётся от шага к шагу.",
  "Look ahead along the velocity (Nesterov 1983).": "Заглядывать вперёд вдоль движения (Нестеров, 1983).",
  "Whether the velocity sums gradients, or steps.": "Складываются ли в движении градиенты или шаги.",
  "The factor at the end.": "Множитель в конце.",
  "Share of training that stays at 1 before the cosine.": "Доля обучения, которая до косинуса остаётся на 1.",
  "Share of training that goes up.": "Доля обучения, которая идёт вверх.",
  "The factor at the start.": "Множитель в начале.",
  "What each drop multiplies by.": "На что умножает каждый спуск.",
  "Number of drops.": "Число спусков.",
  "What follows.": "Что следует дальше.",
  "Where the rows come from.": "Откуда берутся строки.",
  "Number of rows that are drawn.": "Сколько строк порождается.",
  "How far the drawing strays.": "Насколько строки отклоняются.",
  "Share of the rows that is kept for testing.": "Доля строк, отложенных для проверки.",
  "Whether classes or numbers are learned.": "Учатся классы или числа.",
  "Number of neurons.": "Число нейронов.",
  "What each neuron applies to its sum.": "Что каждый нейрон делает со своей суммой.",
  "Probability that an output is silenced in training.": "Вероятность, с которой выход при обучении умолкает.",
  "What comes before the activation.": "Что стоит перед функцией активации.",
  "Strength of the sum of absolute weights.": "Сила суммы модулей весов.",
  "Strength of half the sum of squared weights.": "Сила половины суммы квадратов весов.",
  "The epoch at which play ends.": "Эпоха, на которой обучение останавливается.",
  "The mean loss of an epoch at which play ends.": "Средняя потеря за эпоху, при которой обучение останавливается.",
  "The plane of more than two inputs that is shown.": "Какая плоскость показана, если входов больше двух.",
  "Rows per step.": "Строк на один шаг.",
  "Epochs that the schedule spans.": "На сколько эпох рассчитано расписание.",
  "Seed of the first weights, the order of rows and dropout.": "Зерно начальных весов, порядка строк и прореживания.",
};

// What an option is, and which values it takes.
export function tooltip({ sentence, describe, control }) {
  if (current() === "en") return `${sentence} ${t("expects")}: ${describe}.`;
  return [RUSSIAN[sentence] ?? sentence, rangeOf(control)].filter(Boolean).join(" ");
}

function rangeOf({ kind, low, high, open, whole, names, nullable }) {
  const empty = nullable ? `, ${t("or_empty")}` : "";
  if (kind === "choice") return `${t("expects")}: ${names.map(named).join(", ")}${empty}.`;
  if (kind !== "number") return "";
  const bounds = [
    low === null ? "" : ` ${t(open.includes("low") ? "above" : "at_least")} ${low}`,
    high === null ? "" : ` ${t(open.includes("high") ? "below" : "at_most")} ${high}`,
  ];
  return `${t("expects")}: ${t(whole ? "whole_number" : "a_number")}${bounds.filter(Boolean).join(",")}${empty}.`;
}
