# Third-party libraries, each refused with a line that says what would be right.

find_package(Threads REQUIRED)

find_package(MPI COMPONENTS C)
if(NOT MPI_C_FOUND)
    message(FATAL_ERROR "mdsweep needs MPI (Debian: openmpi-bin libopenmpi-dev; Spack: openmpi).")
endif()

# A compiler wrapper of a serial HDF5 that comes first on PATH would otherwise win.
set(HDF5_PREFER_PARALLEL TRUE)
find_package(HDF5 COMPONENTS C HL)
if(NOT HDF5_FOUND)
    message(FATAL_ERROR
        "mdsweep needs a parallel HDF5 (Debian: libhdf5-openmpi-dev; Spack: hdf5+mpi+hl). "
        "If it lies elsewhere: -DHDF5_ROOT=/path")
endif()
if(NOT HDF5_IS_PARALLEL)
    message(FATAL_ERROR
        "The HDF5 found (${HDF5_C_INCLUDE_DIRS}) is serial; mdsweep writes one file from all MPI "
        "ranks and needs a parallel build (Debian: libhdf5-openmpi-dev; Spack: hdf5+mpi+hl; "
        "elsewhere -DHDF5_ROOT=/path, or load the site's hdf5-parallel module).")
endif()

find_package(PkgConfig REQUIRED)
pkg_check_modules(LIBCONFIG IMPORTED_TARGET libconfig>=1.5)
if(NOT LIBCONFIG_FOUND)
    message(FATAL_ERROR "mdsweep needs libconfig (Debian: libconfig-dev; Spack: libconfig).")
endif()

find_package(BLAS)
if(NOT BLAS_FOUND)
    message(FATAL_ERROR "mdsweep needs a BLAS (Debian: libopenblas-dev; Spack: openblas).")
endif()

add_library(mds_mpi INTERFACE)
target_link_libraries(mds_mpi INTERFACE MPI::MPI_C)
add_library(mds_hdf5 INTERFACE)
target_include_directories(mds_hdf5 SYSTEM INTERFACE ${HDF5_C_INCLUDE_DIRS})
target_link_libraries(mds_hdf5 INTERFACE ${HDF5_C_HL_LIBRARIES} ${HDF5_C_LIBRARIES} MPI::MPI_C)
