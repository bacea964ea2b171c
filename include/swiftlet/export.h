// What libswiftlet exports: everything else of the library has hidden visibility.
#pragma once

#define SWIFTLET_API __attribute__((visibility("default")))
