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
get_filename_component(blas_folder "${BLAS_LIBRARIES}" DIRECTORY)
find_path(CBLAS_INCLUDE_DIR cblas.h HINTS ${blas_folder}/../include PATH_SUFFIXES openblas cblas)
if(NOT CBLAS_INCLUDE_DIR)
    message(FATAL_ERROR "mdsweep needs cblas.h (Debian: libopenblas-dev; Spack: openblas). "
                        "If it lies elsewhere: -DCBLAS_INCLUDE_DIR=/path")
endif()

find_package(BZip2)
if(NOT BZIP2_FOUND)
    message(FATAL_ERROR "mdsweep needs bzip2's library (Debian: libbz2-dev; Spack: bzip2).")
endif()

add_library(mds_blas INTERFACE)
target_include_directories(mds_blas SYSTEM INTERFACE ${CBLAS_INCLUDE_DIR})
target_link_libraries(mds_blas INTERFACE BLAS::BLAS)
add_library(mds_mpi INTERFACE)
target_link_libraries(mds_mpi INTERFACE MPI::MPI_C)
add_library(mds_hdf5 INTERFACE)
# The names without a number mean the calls of 1.10, whichever library this is.
target_compile_definitions(mds_hdf5 INTERFACE H5_USE_110_API)
target_include_directories(mds_hdf5 SYSTEM INTERFACE ${HDF5_C_INCLUDE_DIRS})
target_link_libraries(mds_hdf5 INTERFACE ${HDF5_C_HL_LIBRARIES} ${HDF5_C_LIBRARIES} MPI::MPI_C)
