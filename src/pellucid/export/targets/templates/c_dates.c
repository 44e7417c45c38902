double NAME_date(int year, int month, int day, int hour, int minute, double second)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const int leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    const double past = year - 1;
    double days;
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > lengths[month - 1] + (month == 2 && leap))
        return NAN;
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || !(second >= 0 && second < 60))
        return NAN;
    days = 365 * past + floor(past / 4) - floor(past / 100) + floor(past / 400) - 719162 + day - 1;
    for (int i = 0; i < month - 1; ++i)
        days += lengths[i] + (i == 1 && leap);
    return 86400e6 * days + 60e6 * (60 * hour + minute) + floor(1e6 * second + 0.5);
}
