// A hub of models on this machine, for tests: the addresses, headers and redirects of huggingface.co, from
// whose documentation and answers they are known. Large files are redirected to a second server that stores
// them, small ones to another address of the first. Faults can be ordered for single requests.
#pragma once

#include <list>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "swiftlet/io/sha256.h"
#include "tests/support/http_server.h"

namespace swiftlet::testing {

class HubServer {
 public:
  // Changes what is answered to requests whose method and path match.
  struct Fault {
    std::string path;  // a part of it
    std::string method = "GET";
    int times = 1;
    std::function<void(const ServerRequest&, ServerAnswer&)> change;
  };

  explicit HubServer(std::uint16_t port = 0)
      : storage_([this](const ServerRequest& request) { return answer(request, true); }),
        hub_([this](const ServerRequest& request) { return answer(request, false); }, port) {}

  std::string url() const { return hub_.url(); }
  std::uint16_t port() const { return hub_.port(); }
  std::string storage_url() const { return storage_.url(); }
  void stop() { hub_.stop(); }

  // Adds or replaces a file; the branch main moves to a new commit. `large`: stored elsewhere, named by its
  // SHA-256.
  void add(const std::string& repository, const std::string& path, const std::string& content,
           bool large = false) {
    const std::lock_guard lock(mutex_);
    Repository& changed = repositories_[repository];
    std::map<std::string, File> files;
    if (!changed.main.empty()) files = changed.commits[changed.main];
    files[path] = {content, large, large ? sha256(content) : git_sha1(content)};
    Sha1 commit;
    for (const auto& [name, file] : files) commit.update(name + file.etag);
    changed.main = commit.finish();
    changed.commits[changed.main] = std::move(files);
  }
  // Who asks without this token is sent away.
  void close(const std::string& repository, const std::string& token) {
    const std::lock_guard lock(mutex_);
    repositories_[repository].token = token;
  }
  // As renaming a repository does.
  void forward(const std::string& from, const std::string& to) {
    const std::lock_guard lock(mutex_);
    forwarded_[from] = to;
  }
  std::string commit(const std::string& repository) {
    const std::lock_guard lock(mutex_);
    return repositories_[repository].main;
  }
  void fault(Fault fault) {
    const std::lock_guard lock(mutex_);
    faults_.push_back(std::move(fault));
  }

  struct Seen {
    ServerRequest request;
    bool storage = false;
  };
  std::vector<Seen> seen() {
    const std::lock_guard lock(mutex_);
    return seen_;
  }
  int count(const std::string& method, const std::string& path) {
    int found = 0;
    for (const Seen& one : seen())
      found += one.request.method == method && one.request.path.find(path) != std::string::npos ? 1 : 0;
    return found;
  }
  void forget() {
    const std::lock_guard lock(mutex_);
    seen_.clear();
  }

  static std::string git_sha1(const std::string& content) {
    Sha1 hash;
    hash.update("blob " + std::to_string(content.size()) + std::string(1, '\0') + content);
    return hash.finish();
  }

 private:
  struct File {
    std::string content;
    bool large = false;
    std::string etag;
  };
  struct Repository {
    std::string main, token;
    std::map<std::string, std::map<std::string, File>> commits;
  };

  ServerAnswer answer(const ServerRequest& request, bool storage) {
    const std::lock_guard lock(mutex_);
    seen_.push_back({request, storage});
    ServerAnswer made = storage ? stored(request) : routed(request);
    for (Fault& fault : faults_) {
      if (fault.times == 0 || fault.method != request.method ||
          request.path.find(fault.path) == std::string::npos)
        continue;
      --fault.times;
      fault.change(request, made);
      break;
    }
    return made;
  }

  static ServerAnswer refused(int status, const std::string& code, const std::string& message) {
    return {.status = status, .headers = {{"X-Error-Code", code}, {"X-Error-Message", message}}};
  }

  static std::vector<std::string> parts_of(std::string_view path) {
    std::vector<std::string> parts;
    while (!path.empty()) {
      path.remove_prefix(1);
      const std::size_t end = std::min(path.find('/'), path.size());
      parts.emplace_back(path.substr(0, end));
      path.remove_prefix(end);
    }
    return parts;
  }

  // /api/models/ORG/NAME/revision/REVISION and .../tree/REVISION, /ORG/NAME/resolve/REVISION/FILE, and the
  // same below /api/resolve-cache/models.
  ServerAnswer routed(const ServerRequest& request) {
    std::vector<std::string> parts = parts_of(request.path);
    const bool api = parts.size() > 2 && parts[0] == "api" && parts[1] == "models";
    const bool cached = parts.size() > 3 && parts[1] == "resolve-cache";
    if (api) parts.erase(parts.begin(), parts.begin() + 2);
    if (cached) parts.erase(parts.begin(), parts.begin() + 3);
    if (parts.size() < 4) return refused(404, "", "no such page");
    const std::string name = parts[0] + "/" + parts[1];
    if (forwarded_.contains(name)) {
      std::string to = request.path;
      to.replace(to.find(name), name.size(), forwarded_[name]);
      return {.status = 307,
              .headers = {{"Location", to + (request.query.empty() ? "" : "?" + request.query)}}};
    }
    const auto found = repositories_.find(name);
    if (found == repositories_.end()) return refused(404, "RepoNotFound", "Repository not found");
    const Repository& repository = found->second;
    const std::string authorization = request.header("authorization");
    if (!repository.token.empty() && authorization != "Bearer " + repository.token)
      return refused(authorization.empty() ? 401 : 403, "GatedRepo",
                     "Access to model " + name + " is restricted.");
    const std::string commit = parts[3] == "main" ? repository.main : parts[3];
    const auto files = repository.commits.find(commit);
    if (files == repository.commits.end())
      return refused(404, "RevisionNotFound", "Invalid rev id: " + parts[3]);
    if (api && parts[2] == "tree") return tree(files->second);
    if (api) return listing(name, commit, files->second);
    std::string path;
    for (std::size_t i = 4; i < parts.size(); ++i) path += (i > 4 ? "/" : "") + parts[i];
    const auto file = files->second.find(path);
    if (file == files->second.end()) return refused(404, "EntryNotFound", "Entry not found");
    return resolved(request, name, commit, path, file->second, cached);
  }

  static ServerAnswer listing(const std::string& name, const std::string& commit,
                              const std::map<std::string, File>& files) {
    nlohmann::json siblings = nlohmann::json::array();
    for (const auto& [path, file] : files) {
      nlohmann::json entry{
          {"rfilename", path}, {"size", file.content.size()}, {"blobId", git_sha1(file.content)}};
      if (file.large)
        entry["lfs"] = {{"sha256", file.etag}, {"size", file.content.size()}, {"pointerSize", 134}};
      siblings.push_back(std::move(entry));
    }
    const nlohmann::json answer{{"id", name},
                                {"modelId", name},
                                {"sha", commit},
                                {"private", false},
                                {"tags", nlohmann::json::array()},
                                {"siblings", siblings}};
    return {.headers = {{"Content-Type", "application/json"}}, .body = answer.dump()};
  }

  // What huggingface_hub asks for in place of the listing.
  static ServerAnswer tree(const std::map<std::string, File>& files) {
    nlohmann::json entries = nlohmann::json::array();
    for (const auto& [path, file] : files) {
      nlohmann::json entry{
          {"type", "file"}, {"path", path}, {"size", file.content.size()}, {"oid", git_sha1(file.content)}};
      if (file.large)
        entry["lfs"] = {{"oid", file.etag}, {"size", file.content.size()}, {"pointerSize", 134}};
      entries.push_back(std::move(entry));
    }
    return {.headers = {{"Content-Type", "application/json"}}, .body = entries.dump()};
  }

  ServerAnswer resolved(const ServerRequest& request, const std::string& name, const std::string& commit,
                        const std::string& path, const File& file, bool cached) const {
    ServerAnswer answer{.headers = {{"X-Repo-Commit", commit}, {"Accept-Ranges", "bytes"}}};
    if (file.large) {
      answer.status = 302;
      answer.headers.insert(answer.headers.end(),
                            {{"X-Linked-Etag", "\"" + file.etag + "\""},
                             {"X-Linked-Size", std::to_string(file.content.size())},
                             {"Location", storage_.url() + "/stored/" + name + "/" + path +
                                              "?commit=" + commit + "&signature=secret"}});
      return answer;
    }
    if (!cached) {
      answer.status = 307;
      answer.headers.emplace_back("Location",
                                  "/api/resolve-cache/models/" + name + "/resolve/" + commit + "/" + path);
      return answer;
    }
    answer.headers.emplace_back("ETag", "W/\"" + file.etag + "\"");
    send_bytes(request, file.content, answer);
    return answer;
  }

  // /stored/ORG/NAME/FILE?commit=...
  ServerAnswer stored(const ServerRequest& request) {
    const std::vector<std::string> parts = parts_of(request.path);
    if (!request.header("authorization").empty()) return {.status = 400, .body = "this token is not for me"};
    const std::string commit = request.query.substr(7, 40);
    std::string path;
    for (std::size_t i = 3; i < parts.size(); ++i) path += (i > 3 ? "/" : "") + parts[i];
    const File& file = repositories_.at(parts[1] + "/" + parts[2]).commits.at(commit).at(path);
    ServerAnswer answer{.headers = {{"ETag", "\"not-the-one-of-the-hub\""}}};
    send_bytes(request, file.content, answer);
    return answer;
  }

  static void send_bytes(const ServerRequest& request, const std::string& content, ServerAnswer& answer) {
    const std::string range = request.header("range");
    if (range.empty()) {
      answer.body = content;
      return;
    }
    const std::size_t from = std::stoull(range.substr(range.find('=') + 1));
    if (from >= content.size()) {
      answer.status = 416;
      return;
    }
    answer.status = 206;
    answer.body = content.substr(from);
    answer.headers.emplace_back("Content-Range", "bytes " + std::to_string(from) + "-" +
                                                     std::to_string(content.size() - 1) + "/" +
                                                     std::to_string(content.size()));
  }

  std::mutex mutex_;
  std::map<std::string, Repository> repositories_;
  std::map<std::string, std::string> forwarded_;
  std::list<Fault> faults_;
  std::vector<Seen> seen_;
  HttpServer storage_, hub_;  // last: they answer until they are gone
};

}  // namespace swiftlet::testing
