// Trains libmf (mf.h of the package `libmf`) on a text file and prints what took how long, in seconds.
//   libmf_train TRAIN TEST MODEL DIM THREADS LAMBDA ETA ITERATIONS...
// Every count of ITERATIONS is a fit of its own; the last one is saved. With an empty TEST, libmf trains quietly: it
// then spends no time on its loss and on a validation rmse.
#include <chrono>
#include <iostream>
#include <string>

#include "mf.h"

int main(int argc, char **argv)
{
    if (argc < 9)
        return 2;
    auto begin = std::chrono::steady_clock::now();
    auto lap = [&] {
        auto now = std::chrono::steady_clock::now();
        double seconds = std::chrono::duration<double>(now - begin).count();
        begin = now;
        return seconds;
    };
    mf::mf_parameter parameter = mf::mf_get_default_param();
    parameter.k = std::stoi(argv[4]);
    parameter.nr_threads = std::stoi(argv[5]);
    parameter.lambda_p2 = parameter.lambda_q2 = std::stof(argv[6]);
    parameter.eta = std::stof(argv[7]);
    parameter.copy_data = false;
    parameter.quiet = std::string(argv[2]).empty();
    mf::mf_problem train = mf::read_problem(argv[1]);
    mf::mf_problem test = mf::read_problem(argv[2]);
    std::cout << "read " << lap() << std::endl;
    mf::mf_model *model = nullptr;
    for (int argument = 8; argument < argc; ++argument)
    {
        mf::mf_destroy_model(&model);
        parameter.nr_iters = std::stoi(argv[argument]);
        model = mf::mf_train_with_validation(&train, &test, parameter);
        std::cout << "trained " << lap() << std::endl;
    }
    return mf::mf_save_model(model, argv[3]) == 0 ? 0 : 1;
}
