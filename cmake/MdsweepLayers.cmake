# One static library per layer; what a layer links is what it may include (docs/architecture.md), so
# the linker enforces the direction. Every *.c below the layer's folder belongs to it, and every *.cu
# in builds with CUDA.
#
#   mds_layer(md USES device base LIBRARIES m)
function(mds_layer name)
    cmake_parse_arguments(arg "" "" "USES;LIBRARIES" ${ARGN})
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.c)
    mds_cuda_sources(kernels ${CMAKE_CURRENT_SOURCE_DIR}/${name})
    list(TRANSFORM arg_USES PREPEND mds_)
    if(sources)
        add_library(mds_${name} STATIC ${sources} ${kernels})
        if(kernels OR (name STREQUAL device AND TARGET mds_cuda))
            list(APPEND arg_LIBRARIES mds_cuda)
        endif()
        target_include_directories(mds_${name} PUBLIC ${PROJECT_SOURCE_DIR}/src)
        target_link_libraries(mds_${name} PUBLIC ${arg_USES} ${arg_LIBRARIES})
        # The registries are made by the preprocessor from *.def files.
        file(GLOB defs CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.def)
        set_source_files_properties(${sources} PROPERTIES OBJECT_DEPENDS "${defs}")
    else()
        add_library(mds_${name} INTERFACE)
        target_include_directories(mds_${name} INTERFACE ${PROJECT_SOURCE_DIR}/src)
        target_link_libraries(mds_${name} INTERFACE ${arg_USES} ${arg_LIBRARIES})
    endif()
endfunction()
