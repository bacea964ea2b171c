// ZIP archives whose files lie in them as they are (method "stored"): where each begins, so that a mapping of
// the archive serves for all of them. Only what torch.save writes is read; a library would copy what it
// reads.
//
// Format: PKWARE's APPNOTE, sections 4.3.7 (local header), 4.3.12 (central directory), 4.3.14 to 4.3.16 (its
// ends) and 4.5.3 (sizes of more than 32 bits).
#pragma once

#include <map>
#include <string>

#include "swiftlet/core/buffer.h"

namespace swiftlet {

// True when `bytes` begin as such an archive does.
bool looks_like_zip(const Buffer& bytes);

// The files by name; each a slice of `archive`. Throws kInvalid "[where] ..." for records that do not fit
// into the archive, kUnsupported for files that are compressed or encrypted.
std::map<std::string, Buffer, std::less<>> read_zip(const Buffer& archive, const std::string& where);

}  // namespace swiftlet
