#include "stats/stats.h"

#include <math.h>

mds_drift mds_stats_drift(const double *t_ps, const double *e, size_t count, int n_atoms)
{
    mds_drift out = {.initial = NAN,
                     .final = NAN,
                     .relative = NAN,
                     .slope_meV_atom_ps = NAN,
                     .rms_meV_atom = NAN,
                     .std_eV = NAN};

    if (count == 0)
        return out;
    out.initial = e[0];
    out.final = e[count - 1];
    if (count < 2)
        return out;
    if (out.initial != 0.0)
        out.relative = (out.final - out.initial) / fabs(out.initial);
    out.std_eV = mds_stats_moments(e, count).std;
    if (n_atoms > 0) {
        const mds_line line = mds_stats_line(t_ps, e, count);

        out.slope_meV_atom_ps = 1e3 * line.slope / n_atoms;
        out.rms_meV_atom = 1e3 * line.rms / n_atoms;
    }
    return out;
}
