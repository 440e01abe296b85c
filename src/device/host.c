#include "device/device_class.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The value of the first "key : value" line of a /proc text file; "" when there is none. */
static void proc_value(const char *path, const char *key, char *out, size_t size)
{
    FILE *file = fopen(path, "re");
    char line[512];

    out[0] = '\0';
    if (!file)
        return;
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, key, strlen(key)) != 0)
            continue;
        char *value = strchr(line, ':');

        if (value) {
            value += strspn(value, ": \t");
            value[strcspn(value, "\n")] = '\0';
            snprintf(out, size, "%s", value);
        }
        break;
    }
    fclose(file);
}

void mds_host_describe(mds_device_info *info)
{
    cpu_set_t mask;

    proc_value("/proc/cpuinfo", "model name", info->model, sizeof info->model);
    if (!info->model[0]) /* Arm kernels give no model name */
        proc_value("/proc/cpuinfo", "CPU part", info->model, sizeof info->model);
    if (!info->model[0])
        snprintf(info->model, sizeof info->model, "unknown CPU");
    CPU_ZERO(&mask);
    info->cores = sched_getaffinity(0, sizeof mask, &mask) == 0
                      ? CPU_COUNT(&mask)
                      : (int)sysconf(_SC_NPROCESSORS_ONLN); /* more cores than a cpu_set_t holds */
    if (info->cores < 1)
        info->cores = 1;
    info->memory_bytes = (int64_t)sysconf(_SC_PHYS_PAGES) * (int64_t)sysconf(_SC_PAGESIZE);
}
