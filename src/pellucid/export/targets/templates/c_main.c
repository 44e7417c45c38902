/* A program around the prediction: rows as CSV text go in, predictions as CSV text come out (RFC 4180). */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char text[1 << 20]; /* the fields of one row, each ended by a zero */
static unsigned long line = 1, first_line = 1;

static void fail(const char *cause, const char *name)
{
    fprintf(stderr, "NAME: line %lu: %s%s\n", first_line, cause, name);
    exit(1);
}

static void keep(size_t *length, int c)
{
    if (*length == sizeof text)
        fail("the row is longer than 1 MiB", "");
    text[(*length)++] = (char)c;
}

/* Read a row that is not blank; return how many fields it has, 0 at the end of the file. */
static size_t read_fields(FILE *file)
{
    size_t n = 0, length = 0;
    first_line = line;
    for (;;) {
        int c = getc(file);
        const int quoted = c == '"';
        if (c == EOF && n == 0)
            return 0;
        if (quoted)
            for (;;) {
                c = getc(file);
                if (c == '"' && (c = getc(file)) != '"')
                    break;
                if (c == EOF || c == '\0')
                    fail(c == EOF ? "a quote is not closed" : "there is a zero byte", "");
                line += c == '\n';
                keep(&length, c);
            }
        else
            for (; c != ',' && c != '\n' && c != '\r' && c != EOF; c = getc(file)) {
                if (c == '\0')
                    fail("there is a zero byte", "");
                keep(&length, c);
            }
        if (c == '\r' && (c = getc(file)) != '\n') {
            ungetc(c, file);
            c = '\n';
        }
        if (c != ',' && c != '\n' && c != EOF)
            fail("text follows a closing quote", "");
        keep(&length, '\0');
        ++n;
        if (c == ',')
            continue;
        line += c == '\n';
        if (n > 1 || length > 1 || quoted)
            return n;
        n = length = 0;
        first_line = line;
    }
}

/* Whether a text is a lower-case word in letters of either case. */
static int is_word(const char *given, const char *word)
{
    for (; *given != '\0' && *word != '\0'; ++given, ++word)
        if ((*given | ' ') != *word)
            return 0;
    return *given == *word;
}

#ifdef NAME_dates
/* Return the number that so many digits make, and go on behind them; -1 where there are others. */
static int digits(const char **given, int n)
{
    int value = 0;
    for (; n > 0; --n, ++*given) {
        if (**given < '0' || **given > '9')
            return -1;
        value = 10 * value + (**given - '0');
    }
    return value;
}

/* ISO 8601: a date, or date and time, in UTC where it has an offset. NaN where it is none. */
static double date_of(const char *given)
{
    int year, month, day, hour = 0, minute = 0, second = 0, direction;
    double fraction = 0, unit = 1, offset = 0;
    year = digits(&given, 4);
    if (*given++ != '-')
        return NAN;
    month = digits(&given, 2);
    if (*given++ != '-')
        return NAN;
    day = digits(&given, 2);
    if (*given == 'T' || *given == ' ') {
        ++given;
        hour = digits(&given, 2);
        if (*given++ != ':')
            return NAN;
        minute = digits(&given, 2);
        if (*given == ':') {
            ++given;
            second = digits(&given, 2);
            if (*given == '.' || *given == ',')
                for (++given; *given >= '0' && *given <= '9'; ++given)
                    if (unit > 1e-6) {
                        unit /= 10;
                        fraction += unit * (*given - '0');
                    }
        }
        direction = *given == '+' ? 1 : -1;
        if (*given == 'Z')
            ++given;
        else if (*given == '+' || *given == '-') {
            int hours, minutes;
            ++given;
            hours = digits(&given, 2);
            given += *given == ':';
            minutes = digits(&given, 2);
            if (hours < 0 || minutes < 0)
                return NAN;
            offset = direction * 60e6 * (60 * hours + minutes);
        }
    }
    if (*given != '\0' || second < 0)
        return NAN;
    return NAME_date(year, month, day, hour, minute, second + fraction) - offset;
}
#endif

static double number_of(const char *given, const struct column *column, int raw)
{
    char *end;
    double value;
    if (*given == '\0')
        return NAN;
    if (column->kind == 'b' && (is_word(given, "true") || is_word(given, "false")))
        return is_word(given, "true");
#ifdef NAME_dates
    if (column->kind == 'd' && !raw) {
        value = date_of(given);
        if (isnan(value))
            fail("this is no date, such as 2024-02-29 or 2024-02-29T12:30:00, in column ", column->name);
        return value;
    }
#else
    (void)raw;
#endif
    value = strtod(given, &end);
    if (*end != '\0')
        fail("this is no number, in column ", column->name);
    if (column->kind == 'b' && value != 0 && value != 1 && !isnan(value))
        fail("this is neither true nor false nor 1 nor 0, in column ", column->name);
    return value;
}

static void print_text(const char *given)
{
    if (strpbrk(given, ",\"\r\n") == NULL) {
        fputs(given, stdout);
        return;
    }
    putchar('"');
    for (; *given != '\0'; ++given) {
        if (*given == '"')
            putchar('"');
        putchar(*given);
    }
    putchar('"');
}

static double number_in(const NAME_prediction *prediction, size_t place)
{
    return *(const double *)(const void *)((const char *)prediction + place);
}

static int label_in(const NAME_prediction *prediction, size_t place)
{
    return *(const int *)(const void *)((const char *)prediction + place);
}

static void print_prediction(const NAME_prediction *prediction, int raw)
{
    for (size_t i = 0; i < sizeof results / sizeof *results; ++i) {
        if (i > 0)
            putchar(',');
        if (results[i].kind == 'n')
            printf(raw ? "%.17g" : "%.9g", number_in(prediction, results[i].place));
        else if (results[i].kind == 'i' || raw)
            printf("%d", label_in(prediction, results[i].place));
        else
            print_text(NAME_labels[label_in(prediction, results[i].place)]);
    }
    putchar('\n');
}

static int predict_file(FILE *file, int raw)
{
    const size_t n_columns = sizeof columns / sizeof *columns;
    size_t n_fields, n_found = 0, *column_of;
    const char *given = text;
    int c = getc(file);
    if (c == 0xEF) { /* a byte order mark */
        getc(file);
        getc(file);
    } else
        ungetc(c, file);
    n_fields = read_fields(file);
    column_of = malloc((n_fields + 1) * sizeof *column_of);
    if (column_of == NULL)
        fail("there is no memory left", "");
    for (size_t field = 0; field < n_fields; ++field, given += strlen(given) + 1) {
        column_of[field] = n_columns;
        for (size_t i = 0; i < n_columns; ++i)
            if (strcmp(given, columns[i].name) == 0) {
                for (size_t earlier = 0; earlier < field; ++earlier)
                    if (column_of[earlier] == i)
                        fail("there are two columns ", given);
                column_of[field] = i;
                ++n_found;
            }
    }
    for (size_t i = 0; n_found < n_columns && i < n_columns; ++i) {
        size_t field = 0;
        while (field < n_fields && column_of[field] != i)
            ++field;
        if (field == n_fields)
            fail("there is no column ", columns[i].name);
    }
    for (size_t i = 0; i < sizeof results / sizeof *results; ++i) {
        if (i > 0)
            putchar(',');
        print_text(results[i].name);
    }
    putchar('\n');
    for (size_t n; (n = read_fields(file)) > 0;) {
        NAME_row row;
        NAME_prediction prediction;
        memset(&prediction, 0, sizeof prediction); /* GCC would warn, as it does not see that all is written */
        if (n != n_fields)
            fail(n < n_fields ? "the row has fewer fields than the first" : "the row has more fields than the first",
                 "");
        given = text;
        for (size_t field = 0; field < n_fields; ++field, given += strlen(given) + 1) {
            const struct column *const column = columns + column_of[field];
            void *const place = column_of[field] < n_columns ? (char *)&row + column->place : NULL;
            if (place != NULL && column->kind == 'c')
                *(const char **)place = given;
            else if (place != NULL)
                *(double *)place = number_of(given, column, raw);
        }
        NAME_predict(&row, &prediction);
        print_prediction(&prediction, raw);
    }
    free(column_of);
    return fflush(stdout) != 0 || ferror(stdout) || ferror(file);
}

static int self_test(void)
{
    const size_t n = sizeof test_rows / sizeof *test_rows;
    double largest = 0;
    for (size_t row = 0; row < n; ++row) {
        static NAME_prediction prediction; /* GCC would warn of one on the stack, whose labels a network lacks */
        memset(&prediction, 0, sizeof prediction);
        NAME_predict(test_rows + row, &prediction);
        for (size_t i = 0; i < sizeof results / sizeof *results; ++i) {
            if (results[i].kind == 'n') {
                const double expected = number_in(test_predictions + row, results[i].place);
                const double found = number_in(&prediction, results[i].place);
                const double unit = results[i].unit > 0 ? results[i].unit + fabs(expected) : 1;
                const double off = fabs(found - expected) / unit;
                if (!(isnan(expected) && isnan(found)) && !(off <= largest))
                    largest = isnan(off) ? INFINITY : off;
            } else { /* a label; -1 where two are as good as equal */
                const int expected = label_in(test_predictions + row, results[i].place);
                if (expected >= 0 && expected != label_in(&prediction, results[i].place))
                    largest = INFINITY;
            }
        }
    }
    printf("largest difference on %lu rows: %.3g\n", (unsigned long)n, largest);
    return largest <= tolerance ? 0 : 1;
}

int main(int n_words, char **words)
{
    const int raw = n_words > 1 && strcmp(words[1], "--raw") == 0;
    FILE *file = stdin;
    if (n_words == 2 && strcmp(words[1], "--self-test") == 0)
        return self_test();
    if (n_words > 2 + raw || (n_words > 1 && words[1][0] == '-' && !raw)) {
        fputs("usage: NAME [ROWS.csv]     prints a prediction for each row; reads standard input without a file\n"
              "       NAME --raw [FILE]   with dates as microseconds since 1970, labels as numbers, all digits\n"
              "       NAME --self-test    predicts the rows that are kept in the program, and compares\n",
              stderr);
        return 2;
    }
    if (n_words > 1 + raw)
        file = fopen(words[1 + raw], "rb");
    if (file == NULL) {
        fprintf(stderr, "NAME: cannot read %s\n", words[1 + raw]);
        return 1;
    }
    return predict_file(file, raw);
}
