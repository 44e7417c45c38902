// Names of options, kinds and values for the reader: English where the library's own needs help, and Russian.

const russian = {
  circle: "круг", gauss: "две кучки", spiral: "спираль", plane: "плоскость", gauss_regression: "горы",
  formula: "формула", points: "точки", table: "таблица", model: "модель", n_rows: "Строк", noise: "Шум", test_share: "Доля для проверки",
  task: "Задача", target: "Цель", classification: "классы", regression: "числа", auto: "сама", learning_rate: "Скорость обучения",
  optimizer: "Оптимизатор", loss: "Потеря", batch_size: "Размер порции", schedule: "Расписание", initializer: "Начальные веса",
  output_activation: "Функция на выходе", activation: "Функция", epochs: "Эпох в расписании", seed: "Зерно", l1: "L1", l2: "L2",
  stop_epoch: "Стоп на эпохе", stop_loss: "Стоп при потере", momentum: "Импульс", weight_decay: "Затухание весов",
  dropout: "Прореживание", normalization: "Нормировка", none: "нет", slice: "срез", components: "главные компоненты",
  distribution: "Распределение", normal: "нормальное", uniform: "равномерное", xor: "XOR", xor_table: "таблица XOR",
  single_layer_table: "таблица из урока", label_smoothing: "Сглаживание меток", reduction: "Сведение", decay: "Затухание",
  final: "Конечная доля", flat: "Ровная доля", rise: "Доля подъёма", start: "Начальная доля", share: "Доля", n_drops: "Спусков",
  drop: "Спуск", slope: "Наклон", memory: "Память", max_evaluations: "Проб на шаг", low: "От", high: "До", mean: "Среднее",
  deviation: "Отклонение", value: "Значение", levels: "Уровни", gain: "Усиление", epsilon: "Эпсилон", correction: "Поправка",
  delta: "Порог", rate: "Скорость", beta1: "Бета 1", beta2: "Бета 2", alpha: "Альфа", gamma: "Гамма", then: "Затем",
  nesterov: "По Нестерову", half_sum: "половина суммы", moments: "моменты", inside: "внутри", outside: "снаружи", width: "Ширина",
};
const english = {
  circle: "circle", gauss: "two heaps", gauss_regression: "hills", xor: "XOR", xor_table: "XOR table",
  single_layer_table: "tutorial table", n_rows: "Rows", noise: "Noise", test_share: "Share for testing", task: "Task",
  target: "Target", learning_rate: "Learning rate", optimizer: "Optimizer", loss: "Loss", batch_size: "Batch size",
  schedule: "Schedule", initializer: "First weights", output_activation: "Output activation", activation: "Activation",
  epochs: "Epochs of the schedule", seed: "Seed", l1: "L1", l2: "L2", stop_epoch: "Stop at epoch", stop_loss: "Stop at loss",
  dropout: "Dropout", normalization: "Normalization", plane: "plane",
};

export const NAMES = Object.fromEntries(
  [...new Set([...Object.keys(english), ...Object.keys(russian)])].map((name) => {
    const own = english[name] ?? name.replaceAll("_", " ");
    return [name, [own, russian[name] ?? own]];
  }),
);
