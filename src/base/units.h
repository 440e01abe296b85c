/* The one table of units and constants (CODATA 2022).
 * Inside the program: Å, fs, eV, u (atomic mass), K, e. At the edge also GPa, ps, meV. */
#ifndef MDS_BASE_UNITS_H
#define MDS_BASE_UNITS_H

#define MDS_PI           3.14159265358979323846
#define MDS_BOLTZMANN_EV 8.617333262e-5 /* eV/K */
#define MDS_MVV_TO_EV    103.6426966    /* 1 u (Å/fs)² in eV */
#define MDS_EV_A3_TO_GPA 160.2176634    /* 1 eV/Å³ in GPa */
#define MDS_COULOMB_EV_A 14.399645478   /* e²/4πε₀ in eV Å */

#endif
