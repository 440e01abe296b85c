#include "model/spcfw/spcfw_fit.h"

enum { TERMS_MAX = 16 };

typedef double (*smooth)(double alpha, double s);

/* Interpolates f at the Chebyshev points of [0, rc²] and rewrites the sum of T_n as powers of t.
 * The coefficients of an entire function fall so fast that the rewriting loses no digit that
 * matters. */
static void interpolate(smooth f, const spcfw_dsf *dsf, int terms, double *power)
{
    double chebyshev[TERMS_MAX], now[TERMS_MAX] = {0}, before[TERMS_MAX] = {0};

    for (int n = 0; n < terms; ++n) {
        double sum = 0.0;

        for (int k = 0; k < terms; ++k) {
            const double angle = MDS_PI * (k + 0.5) / terms;
            const double s = 0.5 * (1.0 + cos(angle)) * dsf->cutoff * dsf->cutoff;

            sum += f(dsf->alpha, s) * cos(n * angle);
        }
        chebyshev[n] = sum * (n ? 2.0 : 1.0) / terms;
    }
    for (int i = 0; i < terms; ++i)
        power[i] = 0.0;
    now[0] = 1.0; /* T_0; lowest power first here */
    for (int n = 0; n < terms; ++n) {
        double next[TERMS_MAX];

        for (int i = 0; i < terms; ++i)
            power[terms - 1 - i] += chebyshev[n] * now[i];
        for (int i = 0; i < terms; ++i) /* T_(n+1) = 2 t T_n − T_(n−1), but T_1 = t */
            next[i] = (i ? (n ? 2.0 : 1.0) * now[i - 1] : 0.0) - before[i];
        for (int i = 0; i < terms; ++i) {
            before[i] = now[i];
            now[i] = next[i];
        }
    }
}

static double horner(const double *power, int terms, double t)
{
    double sum = power[0];

    for (int i = 1; i < terms; ++i)
        sum = sum * t + power[i];
    return sum;
}

static double worst(smooth f, const spcfw_dsf *dsf, int terms, const double *power)
{
    enum { POINTS = 2000 };
    double error = 0.0;

    for (int k = 0; k <= POINTS; ++k) {
        const double s = dsf->cutoff * dsf->cutoff * k / POINTS;
        const double miss = fabs(horner(power, terms, 2.0 * k / POINTS - 1.0) - f(dsf->alpha, s));

        error = miss > error ? miss : error;
    }
    return error;
}

mds_status spcfw_fit_make(const spcfw_dsf *dsf, spcfw_fit *out)
{
    out->scale = 2.0 / (dsf->cutoff * dsf->cutoff);
    interpolate(spcfw_screen, dsf, SPCFW_P_TERMS, out->p);
    interpolate(spcfw_screen_slope, dsf, SPCFW_Q_TERMS, out->q);
    out->p_error = worst(spcfw_screen, dsf, SPCFW_P_TERMS, out->p);
    out->q_error = worst(spcfw_screen_slope, dsf, SPCFW_Q_TERMS, out->q);
    out->p[SPCFW_P_TERMS - 1] += dsf->energy_shift;
    /* 1e-11 keeps a molecule's energy and forces within 1e-9 with 300 pairs per atom. */
    if (!(out->p_error < 1e-11) || !(out->q_error < 1e-11))
        return mds_fail(MDS_ERR_CONFIG,
                        "spcfw: alpha * cutoff = %.3g is too large for its polynomials; at most "
                        "about 2 works (preset 0.2 / Å * 9 Å = 1.8)",
                        dsf->alpha * dsf->cutoff);
    return MDS_OK;
}

spcfw_pair spcfw_fit_coulomb(const spcfw_fit *fit, const spcfw_dsf *dsf, double s)
{
    const double y = 1.0 / sqrt(s), t = s * fit->scale - 1.0;
    spcfw_pair pair;

    pair.energy = y * (1.0 - dsf->force_shift * s) - horner(fit->p, SPCFW_P_TERMS, t);
    pair.force_over_r = y * (y * y + dsf->force_shift) - horner(fit->q, SPCFW_Q_TERMS, t);
    return pair;
}
