// The header is C++ as well, and its functions link.
#include <cstdio>
#include <cstring>

#include <ptsne.h>

int main()
{
    ptsne_device_info *list = nullptr;
    std::size_t count = 0;
    ptsne_error err{};
    if (ptsne_devices_list(&list, &count, &err) != PTSNE_OK || count == 0 || std::strcmp(list[0].spec, "cpu") != 0) {
        std::fprintf(stderr, "devices: %s\n", err.message);
        return 1;
    }
    ptsne_free(list);
    std::printf("%s\n", ptsne_version());
    return 0;
}
